module example.invalid/bench-plugin

go 1.21

require example.invalid/sallyport v0.0.0

replace example.invalid/sallyport => ../../../../clients/go
