// Command go is a plugin with one command that returns its argument.
package main

import (
	"context"

	"example.invalid/sallyport/plugin"
)

type params struct {
	Text string `json:"text" desc:"The text."`
}

func echo(_ context.Context, _ *plugin.Call, in params) (any, error) {
	return map[string]string{"text": in.Text}, nil
}

func main() {
	p := plugin.New("bench_go", plugin.Title("Bench"), plugin.Description("Returns its argument."))
	plugin.Command(p, "echo", echo, plugin.Read(), plugin.Describe("Returns the text."))
	p.Run()
}
