package sallyport_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"time"

	"example.invalid/sallyport"
	"example.invalid/sallyport/coda"
	"example.invalid/sallyport/gravityzone"
)

// Streams the items of all pages. Not run: the output is long.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	host, err := sallyport.Start(ctx, sallyport.Options{Sandbox: true})
	if err != nil {
		log.Fatal(err)
	}
	defer host.Close() // drains and stops the host

	stream := coda.New(host, "coda_sandbox").ListDevicesStream(ctx, coda.ListDevicesParams{
		Filter: &coda.ListDevicesFilter{RiskLevel: sallyport.Ptr(coda.RiskLevelCritical)},
	}, sallyport.AllPages())
	defer stream.Close()
	for stream.Next() {
		fmt.Println(string(stream.Item()))
	}
	var failure *sallyport.Error
	if errors.As(stream.Err(), &failure) {
		fmt.Println(failure.Kind, failure.Outcome, failure.Remedy)
	}
}

// A command by name, for programs that get the names as data.
func ExampleHost_Invoke() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	host, err := sallyport.Start(ctx, sallyport.Options{Sandbox: true})
	if err != nil {
		log.Fatal(err)
	}
	defer host.Close()

	result, err := host.Invoke(ctx, sallyport.Call{
		Integration: "coda_footprint",
		Command:     "list_tenants",
	})
	if err != nil {
		log.Fatal(err)
	}
	var tenants []struct {
		ID   json.Number
		Name string
	}
	if err := result.Decode(&tenants); err != nil {
		log.Fatal(err)
	}
	for _, tenant := range tenants {
		fmt.Println(tenant.ID, tenant.Name)
	}
	// Output:
	// 1 Acme Manufacturing
	// 2 Northwind Clinics
}

// Typed parameters, read item by item over all pages.
func ExampleHost_Stream() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	host, err := sallyport.Start(ctx, sallyport.Options{Sandbox: true})
	if err != nil {
		log.Fatal(err)
	}
	defer host.Close()

	stream := coda.New(host, "coda_sandbox").ListDevicesStream(ctx, coda.ListDevicesParams{
		Filter: &coda.ListDevicesFilter{RiskLevel: sallyport.Ptr(coda.RiskLevelCritical)},
	}, sallyport.AllPages())
	defer stream.Close()
	devices := 0
	for stream.Next() {
		var device struct{ Name string }
		if err := stream.Decode(&device); err != nil {
			log.Fatal(err)
		}
		if devices++; devices <= 2 {
			fmt.Println(device.Name)
		}
	}
	if err := stream.Err(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(devices, "devices,", stream.Result().Meta.Pages, "page")
	// Output:
	// HMI-LINE-142
	// LNX-BLD-140
	// 18 devices, 1 page
}

// The members of an error, and whether to retry.
func ExampleError() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	host, err := sallyport.Start(ctx, sallyport.Options{Sandbox: true})
	if err != nil {
		log.Fatal(err)
	}
	defer host.Close()

	_, err = coda.New(host, "").ListDeviceUsers(ctx, coda.ListDeviceUsersParams{DeviceID: 9999})
	var failure *sallyport.Error
	if errors.As(err, &failure) {
		fmt.Println(failure)
		fmt.Println(failure.Kind, failure.StatusCode, failure.Outcome, failure.Retryable)
		fmt.Println(failure.Remedy)
	}
	// Output:
	// List Device Users failed. Not Found. (404)
	// not_found 404 not_applied false
	// Use a device_id from list_devices.
}

// The requests of a call, without sending them.
func ExampleDryRun() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	host, err := sallyport.Start(ctx, sallyport.Options{Sandbox: true})
	if err != nil {
		log.Fatal(err)
	}
	defer host.Close()

	result, err := gravityzone.New(host, "").AddToBlocklist(ctx, gravityzone.AddToBlocklistParams{
		Hashes:      []string{"5a0ef59d5dcb2ba8b6c5f4f1d4d0e9f6a8d4c1f6c0e3d2b1a09f8e7d6c5b4a39"},
		HashType:    gravityzone.HashTypeSHA256,
		Description: "Seen in incident 4711",
	}, sallyport.DryRun())
	if err != nil {
		log.Fatal(err)
	}
	requests, err := result.PlannedRequests()
	if err != nil {
		log.Fatal(err)
	}
	for _, request := range requests {
		var body struct {
			Method string
			Params map[string]any
		}
		if err := json.Unmarshal(request.Body, &body); err != nil {
			log.Fatal(err)
		}
		fmt.Println(request.Method, body.Method, body.Params["sourceInfo"])
	}
	// Output: POST addToBlocklist Seen in incident 4711
}
