// swift-tools-version: 6.2
// An integration outside the project's own tree: what a stranger who adds a vendor writes.
import PackageDescription

let package = Package(
  name: "acme-host",
  dependencies: [.package(name: "sallyport", path: "../..")],
  targets: [
    .executableTarget(
      name: "acme-host",
      dependencies: [.product(name: "SallyportKit", package: "sallyport")])
  ],
  swiftLanguageModes: [.v6]
)
