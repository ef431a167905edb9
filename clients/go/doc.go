// Package sallyport runs commands of security vendors through a Sallyport host: a process of
// its own that this package starts and talks to over pipes, in JSON-RPC 2.0.
//
//	host, err := sallyport.Start(ctx, sallyport.Options{Connections: "connections.json"})
//	if err != nil {
//		return err
//	}
//	defer host.Close()
//	result, err := host.Invoke(ctx, sallyport.Call{
//		Integration: "coda_footprint",
//		Command:     "list_device_users",
//		Arguments:   map[string]any{"device_id": 1041},
//	})
//
// The packages below this one, such as gravityzone and coda, have the same calls with typed
// parameters. They are generated from what the host says of itself.
//
// A context bounds a call. Its deadline is sent along, so that the host does not begin a wait
// that cannot fit. When it is cancelled the host is told, and the call returns what the host
// then says: a cancelled command may have been done, and [Error.Outcome] tells. See
// [Options.CancelWait] for how long that may take.
//
// Failures are an [*Error] (the host answered with an error) or an [*ExitError] (the host is
// gone), both to be found with errors.As.
package sallyport
