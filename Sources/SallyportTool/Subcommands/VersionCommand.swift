import Basics
import Crypto
import CurlTransport
import HTTP
import JSON

/// `sallyport version`
enum VersionCommand {
  static var description: Subcommand {
    Subcommand(
      name: "version", usage: "[--json]",
      summary: "print the versions of sallyport, its protocol and its libraries", details: "",
      examples: ["sallyport version"],
      options: [Option("--json", nil, "print JSON")], run: run)
  }

  static func run(_ words: [String]) throws(UsageError) -> Int32 {
    let arguments = try ParsedArguments(words, options: description.options)
    let curl = (try? CurlTransport.version()) ?? "not found (Debian: libcurl4)"
    let crypto = (try? Crypto.version()) ?? "not found (Debian: libssl3)"
    if arguments.has("--json") {
      Console.print(
        json: JSONFragment { writer in
          writer.object {
            $0.member("version", Product.version)
            $0.member("protocol_version", Product.protocolVersion)
            $0.member("libcurl", curl)
            $0.member("openssl", crypto)
          }
        }.text)
    } else {
      Console.print(
        """
        \(Product.name) \(Product.version)
        protocol   \(Product.protocolVersion)
        libcurl    \(curl)
        OpenSSL    \(crypto)
        """)
    }
    return 0
  }
}
