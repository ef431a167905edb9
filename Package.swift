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
  products: [
    .executable(name: "sallyport", targets: ["sallyport"]),
    // What an integration in another package imports, and the command line that runs it.
    .library(
      name: "SallyportKit",
      targets: [
        "IntegrationKit", "Basics", "FileStore", "HTTP", "JSON", "RateLimits", "Redaction",
        "SallyportTool",
      ]),
  ],
  targets: [
    // Floor 0: C. Libraries beyond the C library are opened on first use, not at start-up.
    .systemLibrary(
      name: "CCurl", path: "Sources/CCurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(
      name: "COpenSSL", path: "Sources/COpenSSL", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CTime", path: "Sources/CTime"),
    .systemLibrary(name: "CFileSystem", path: "Sources/CFileSystem"),
    .systemLibrary(name: "CChild", path: "Sources/CChild"),
    .target(name: "CProcess", path: "Sources/CProcess"),
    // Floor 1
    room("Basics", needs: ["CChild", "CFileSystem", "CProcess", "CTime"]),
    room("JSON", needs: ["Basics"]),
    room("Regexp"),
    // Floor 2
    room("Redaction", needs: ["Basics", "JSON"]),
    room("RPC", needs: ["Basics", "JSON", "Redaction"]),
    room("HTTP", needs: ["Basics", "JSON", "Redaction"]),
    room("Crypto", needs: ["Basics", "JSON", "COpenSSL"]),
    room("JSONPath", needs: ["Basics", "JSON", "Regexp"]),
    room("JSONSchema", needs: ["Basics", "JSON", "Regexp"]),
    room("Mail", needs: ["Basics", "JSON"]),
    // Floor 3
    room("CurlTransport", needs: ["Basics", "HTTP", "CCurl"]),
    room("HTTPServer", needs: ["Basics", "JSON"]),
    room("RateLimits", needs: ["Basics", "Crypto", "HTTP", "JSON"]),
    room("FileStore", needs: ["Basics", "Crypto", "JSON"]),
    room("Telemetry", needs: ["Basics", "HTTP", "JSON"]),
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
      needs: ["Basics", "HTTP", "IntegrationKit", "JSON", "RateLimits", "Redaction"],
      exclude: ["README.md"]),
    room(
      "CODAFootprint", path: "Sources/Integrations/CODAFootprint",
      needs: ["Basics", "HTTP", "IntegrationKit", "JSON", "RateLimits", "Redaction"],
      exclude: ["README.md"]),
    room(
      "Gmail", path: "Sources/Integrations/Gmail",
      needs: [
        "Basics", "Crypto", "FileStore", "HTTP", "IntegrationKit", "JSON", "Mail", "RateLimits",
        "Redaction",
      ], exclude: ["README.md"]),
    // Floor 6
    room(
      "Engine",
      needs: [
        "Basics", "Crypto", "Delivery", "FileStore", "HTTP", "IntegrationKit", "JSON", "RPC",
        "RateLimits", "Redaction", "Telemetry",
      ]),
    room(
      "PluginHost",
      needs: [
        "Basics", "CChild", "Crypto", "Delivery", "Engine", "FileStore", "HTTP", "IntegrationKit",
        "JSON", "JSONSchema", "RateLimits", "Redaction",
      ]),
    // Floor 7
    room(
      "JSONRPCFront",
      needs: ["Basics", "Engine", "FileStore", "IntegrationKit", "JSON", "RPC", "RateLimits"]),
    room(
      "MCPFront",
      needs: [
        "Basics", "Crypto", "Engine", "FileStore", "IntegrationKit", "JSON", "RPC", "Redaction",
      ]),
    room("Sandbox", needs: ["Basics", "Crypto", "HTTPServer", "JSON"]),
    // Floor 8
    room(
      "SallyportTool",
      needs: [
        "Basics", "BitdefenderGravityZone", "CODAFootprint", "Crypto", "CurlTransport", "Engine",
        "FileStore", "Gmail", "HTTP", "HTTPServer", "IntegrationKit", "JSON", "JSONPath",
        "JSONRPCFront", "MCPFront", "PluginHost", "RPC", "RateLimits", "Redaction", "Sandbox",
        "Telemetry",
      ]),
    .executableTarget(
      name: "sallyport", dependencies: ["SallyportTool"], path: "Sources/sallyport"),
    // Tests, one folder for each room
    room(
      "TestSupport", path: "Tests/TestSupport", needs: ["Basics", "HTTP"]),
    tests("Basics"),
    tests("JSON", needs: ["Basics"]),
    tests("Regexp"),
    tests("Redaction", needs: ["Basics", "JSON"]),
    tests("RPC", needs: ["Basics", "JSON", "Redaction"]),
    tests("HTTP", needs: ["Basics", "JSON"]),
    tests("Crypto", needs: ["Basics", "JSON"]),
    tests("JSONPath", needs: ["Basics", "JSON", "Regexp"]),
    tests("JSONSchema", needs: ["Basics", "JSON", "Regexp"]),
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
    tests(
      "Engine",
      needs: ["Basics", "FileStore", "HTTP", "IntegrationKit", "JSON", "RateLimits", "Redaction"]),
    tests("PluginHost", needs: ["IntegrationKit", "JSON"]),
    // Of all integrations: their schemas against their decoders.
    .testTarget(
      name: "CommandSchemaTests",
      dependencies: [
        "Basics", "BitdefenderGravityZone", "CODAFootprint", "Gmail", "IntegrationKit", "JSON",
        "JSONSchema", "TestSupport",
      ]),
    // Of the executable: plays protocol/transcripts.
    .testTarget(name: "TranscriptTests", dependencies: ["Basics", "JSON"]),
  ],
  swiftLanguageModes: [.v6]
)

// The fuzz targets need the sanitizers of the compiler. `Tests/Fuzz/run.sh` sets the variable.
if Context.environment["SALLYPORT_FUZZ"] != nil {
  package.targets.append(
    .executableTarget(
      name: "sallyport-fuzz",
      dependencies: [
        "Basics", "BitdefenderGravityZone", "CODAFootprint", "Crypto", "Engine", "FileStore",
        "Gmail", "HTTP", "HTTPServer", "IntegrationKit", "JSON", "JSONPath", "JSONSchema", "Mail",
        "RPC", "RateLimits", "Redaction", "Regexp",
      ], path: "Tests/Fuzz", exclude: ["README.md", "run.sh", "seeds.py"]))
}
