module example.invalid/sallyport

go 1.21
