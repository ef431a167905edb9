module example.invalid/upstream

go 1.19
