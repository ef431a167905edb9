package sallyport_test

func playHost(mode string) {}
