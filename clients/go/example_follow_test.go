//go:build go1.23

package sallyport_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"example.invalid/sallyport"
	"example.invalid/sallyport/gmail"
)

// The mail of a mailbox, from a time on and then as it arrives.
func ExampleHost_Follow() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	host, err := sallyport.Start(ctx, sallyport.Options{Sandbox: true})
	if err != nil {
		log.Fatal(err)
	}
	defer host.Close()

	options := sallyport.FollowOptions{Every: 10 * time.Second}
	mails := gmail.New(host, "gmail_sandbox").FetchEventFollow(ctx, gmail.FetchEventFollowParams{
		UserEmail: "soc@harbor.example", StartTime: "2026-11-16 08:00",
	}, options)
	for mail, err := range mails {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d %s\n", mail.Seq, mail.Event.Fields["Email subject"])
		if mail.Seq == 2 {
			break
		}
	}
	// Output:
	// 0 "Strange mail"
	// 1 "Your parcel"
	// 2 "Two invoices"
}
