import SallyportTool

Sallyport.main()
