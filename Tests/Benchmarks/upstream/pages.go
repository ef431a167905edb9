package main

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

const (
	devicesPath    = "/api/console/elements/devices/"
	devicesPerPage = 100
)

var deviceNote = strings.Repeat("x", 140)

// devicePage returns one page of list_devices, with items of 200 bytes.
func (v *vendor) devicePage(r request) response {
	page := 1
	if address, err := url.Parse(r.path); err == nil {
		if number, err := strconv.Atoi(address.Query().Get("page")); err == nil {
			page = number
		}
	}
	var body strings.Builder
	fmt.Fprintf(&body, `{"page":%d,"totalPages":%d,"totalCount":%d,"items":[`,
		page, v.pages, v.pages*devicesPerPage)
	for index := 0; index < devicesPerPage; index++ {
		if index > 0 {
			body.WriteByte(',')
		}
		id := (page-1)*devicesPerPage + index + 1
		fmt.Fprintf(&body, `{"id":%d,"name":"PC-%d","ip":"10.0.0.5","note":%q}`, id, id, deviceNote)
	}
	body.WriteString("]}")
	return success(body.String())
}
