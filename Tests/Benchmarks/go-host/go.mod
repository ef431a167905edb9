module example.invalid/gohost

go 1.19
