import Foundation

/// Public test data and documents, if present next to the checkout.
package enum SharedFile {
  /// `<checkout>/../shared/<path>`
  package static func url(_ path: String) -> URL {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("shared/\(path)")
  }

  /// Nil if the file is absent; prints a line in that case.
  package static func bytes(_ path: String) -> [UInt8]? {
    if let data = try? Data(contentsOf: url(path)) { return [UInt8](data) }
    print("SKIPPED: tests of ../shared/\(path), which is absent")
    return nil
  }

  /// The files of a directory, sorted by name. Nil if it is absent; prints a line in that case.
  package static func folder(_ path: String) -> [(name: String, bytes: [UInt8])]? {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: url(path).path) else {
      print("SKIPPED: tests of ../shared/\(path), which is absent")
      return nil
    }
    return names.sorted().map { name in
      let file = url(path).appendingPathComponent(name)
      return (name, (try? Data(contentsOf: file)).map { [UInt8]($0) } ?? [])
    }
  }
}
