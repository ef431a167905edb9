// Package plugin writes a vendor's commands as a plugin for Sallyport.
//
//	func main() {
//		p := plugin.New("acme_edr", plugin.Settings(Settings{}))
//		plugin.Command(p, "list_devices", listDevices, plugin.Read(), plugin.Items("$.devices[*]"))
//		p.Run()
//	}
//
// The host starts the process and talks to it over stdin and stdout. The plugin reaches its vendor
// through the host, which replaces placeholders of secrets in the requests.
package plugin
