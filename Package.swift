// swift-tools-version: 6.0
// Targets are listed by floor, lowest first; a target imports only what stands above it here.
import PackageDescription

/// The hot path crosses modules (JSON, messages, commands), so release builds optimise across them.
/// Exclusive access is checked by the compiler, and while running in debug builds only.
let swiftSettings: [SwiftSetting] = [
  .unsafeFlags(
    ["-cross-module-optimization", "-enforce-exclusivity=unchecked"],
    .when(configuration: .release))
]

func room(
  _ name: String, path: String? = nil, needs dependencies: [Target.Dependency] = [],
  exclude: [String] = []
) -> Target {
  .target(
    name: name, dependencies: dependencies, path: path ?? "Sources/\(name)", exclude: exclude,
    swiftSettings: swiftSettings)
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
    // Floor 1
    room("Basics", needs: ["CTime"]),
    // Floor 2
    room("RPC", needs: ["Basics"]),
    room("HTTP", needs: ["Basics"]),
    room("Crypto", needs: ["Basics", "COpenSSL"]),
    room("JSONPath", needs: ["Basics"]),
    room("Mail", needs: ["Basics"]),
    // Floor 3
    room("CurlTransport", needs: ["Basics", "HTTP", "CCurl"]),
    room("HTTPServer", needs: ["Basics"]),
    // Floor 4
    room("Plugin", needs: ["Basics", "HTTP", "Crypto", "JSONPath"]),
    // Floor 5
    room(
      "BitdefenderGravityZone", path: "Sources/Integrations/BitdefenderGravityZone",
      needs: ["Basics", "HTTP", "Plugin"], exclude: ["README.md"]),
    room(
      "CODAFootprint", path: "Sources/Integrations/CODAFootprint",
      needs: ["Basics", "HTTP", "Plugin"], exclude: ["README.md"]),
    room(
      "Gmail", path: "Sources/Integrations/Gmail",
      needs: ["Basics", "HTTP", "Crypto", "Mail", "Plugin"], exclude: ["README.md"]),
    // Floor 6
    room("Sandbox", needs: ["Basics", "Crypto", "HTTPServer"]),
    room("Host", needs: ["Basics", "RPC", "HTTP", "Crypto", "Plugin"]),
    // Floor 7
    .executableTarget(
      name: "sallyport",
      dependencies: [
        "Basics", "RPC", "HTTP", "Crypto", "JSONPath", "CurlTransport", "HTTPServer", "Plugin",
        "BitdefenderGravityZone", "CODAFootprint", "Gmail", "Sandbox", "Host",
      ],
      path: "Sources/sallyport",
      swiftSettings: swiftSettings,
      // One file that runs where there is no Swift, without the parts that nothing uses.
      linkerSettings: [
        .unsafeFlags(
          ["-static-stdlib", "-Xlinker", "--gc-sections"],
          .when(configuration: .release))
      ]),
    // Tests, one folder for each room
    room("TestSupport", path: "Tests/TestSupport"),
    tests("Basics"),
    tests("RPC", needs: ["Basics"]),
    tests("HTTP", needs: ["Basics"]),
    tests("Crypto", needs: ["Basics"]),
    tests("JSONPath", needs: ["Basics"]),
    tests("Mail", needs: ["Basics"]),
    tests("Plugin", needs: ["Basics", "HTTP", "Crypto"]),
    // Of the executable: plays protocol/transcripts.
    .testTarget(name: "TranscriptTests", dependencies: ["Basics"]),
  ],
  swiftLanguageModes: [.v6]
)
