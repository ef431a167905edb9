// Package sallyport runs the commands of security products through a Sallyport host: a child
// process that this package starts and talks to over pipes, in JSON-RPC 2.0.
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
// The subpackages, such as gravityzone and coda, have the same calls with typed parameters.
// They are generated from the host's capabilities.
//
// A context limits a call. Its deadline is sent to the host, so that a wait that does not fit
// fails fast. If the context is cancelled, the host cancels the command, and the call returns
// what the host reports: a cancelled command may have been applied; [Error.Outcome] says so.
// See [Options.CancelWait] for how long that may take.
//
// Failures are an [*Error] (the host returned an error) or an [*ExitError] (the host is
// gone). Use errors.As for both.
package sallyport
