module example.invalid/mail

go 1.19
