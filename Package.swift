// swift-tools-version: 6.2
// Targets are listed by floor, lowest first. A target imports only targets listed above it.
import PackageDescription

func room(
  _ name: String, path: String? = nil, needs dependencies: [Target.Dependency] = [],
  exclude: [String] = []
) -> Target {
  .target(
    name: name, dependencies: dependencies, path: path ?? "Sources/\(name)", exclude: exclude)
}

func tests(_ name: String, needs dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.byName(name: name), "TestSupport"] + dependencies)
}

let package = Package(
  name: "sallyport",
  products: [.executable(name: "sallyport", targets: ["sallyport"])],
  targets: [
    // Floor 0: C headers. Libraries beyond the C library are opened on first use, not at start-up.
    .systemLibrary(
      name: "CCurl", path: "Sources/CCurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(
      name: "COpenSSL", path: "Sources/COpenSSL", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CTime", path: "Sources/CTime"),
    .systemLibrary(name: "CFileSystem", path: "Sources/CFileSystem"),
    // Floor 1
    room("Basics", needs: ["CFileSystem", "CTime"]),
    room("JSON", needs: ["Basics"]),
    // Floor 2
    room("Redaction", needs: ["Basics", "JSON"]),
    room("RPC", needs: ["Basics", "JSON", "Redaction"]),
    room("HTTP", needs: ["Basics", "JSON", "Redaction"]),
    room("Crypto", needs: ["Basics", "JSON", "COpenSSL"]),
    room("JSONPath", needs: ["Basics", "JSON"]),
    room("Mail", needs: ["Basics", "JSON"]),
    // Floor 3
    room("CurlTransport", needs: ["Basics", "HTTP", "CCurl"]),
    room("HTTPServer", needs: ["Basics", "JSON"]),
    room("RateLimits", needs: ["Basics", "Crypto", "JSON"]),
    room("FileStore", needs: ["Basics", "Crypto", "JSON"]),
    // Floor 4
    room(
      "Delivery", needs: ["Basics", "FileStore", "HTTP", "JSON", "RateLimits", "Redaction"]),
    room(
      "IntegrationKit",
      needs: [
        "Basics", "Crypto", "Delivery", "FileStore", "HTTP", "JSON", "JSONPath", "RateLimits",
        "Redaction",
      ]),
    // Floor 5
    room(
      "BitdefenderGravityZone", path: "Sources/Integrations/BitdefenderGravityZone",
      needs: ["Basics", "HTTP", "IntegrationKit", "JSON", "RateLimits", "Redaction"]),
    room(
      "CODAFootprint", path: "Sources/Integrations/CODAFootprint",
      needs: ["Basics", "HTTP", "IntegrationKit", "JSON", "RateLimits", "Redaction"]),
    room(
      "Gmail", path: "Sources/Integrations/Gmail",
      needs: [
        "Basics", "Crypto", "FileStore", "HTTP", "IntegrationKit", "JSON", "Mail", "RateLimits",
        "Redaction",
      ]),
    // Floor 6
    room("Sandbox", needs: ["Basics", "Crypto", "HTTPServer", "JSON"]),
    room(
      "Host",
      needs: [
        "Basics", "Crypto", "FileStore", "HTTP", "IntegrationKit", "JSON", "RPC", "RateLimits",
        "Redaction",
      ]),
    // Floor 7
    .executableTarget(
      name: "sallyport",
      dependencies: [
        "Basics", "BitdefenderGravityZone", "CODAFootprint", "Crypto", "CurlTransport",
        "FileStore", "Gmail", "HTTP", "HTTPServer", "Host", "IntegrationKit", "JSON", "JSONPath",
        "RPC", "RateLimits", "Redaction", "Sandbox",
      ],
      path: "Sources/sallyport"),
    // Tests, one folder for each room
    room(
      "TestSupport", path: "Tests/TestSupport", needs: ["Basics", "HTTP"]),
    tests("Basics"),
    tests("JSON", needs: ["Basics"]),
    tests("Redaction", needs: ["Basics", "JSON"]),
    tests("RPC", needs: ["Basics", "JSON"]),
    tests("HTTP", needs: ["Basics", "JSON"]),
    tests("Crypto", needs: ["Basics", "JSON"]),
    tests("JSONPath", needs: ["Basics", "JSON"]),
    tests("Mail", needs: ["Basics", "JSON"]),
    tests("RateLimits", needs: ["Basics", "HTTP", "JSON"]),
    tests("FileStore", needs: ["Basics", "Crypto", "JSON"]),
    tests("Delivery", needs: ["Basics", "HTTP", "JSON", "RateLimits", "Redaction"]),
    tests(
      "IntegrationKit",
      needs: [
        "Basics", "Crypto", "Delivery", "FileStore", "HTTP", "JSON", "JSONPath", "RateLimits",
        "Redaction",
      ]),
    // Of the executable: plays protocol/transcripts.
    .testTarget(name: "TranscriptTests", dependencies: ["Basics", "JSON"]),
  ],
  swiftLanguageModes: [.v6]
)
