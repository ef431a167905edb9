import Foundation

/// Public test data and documents, which lie beside the checkout where they are present.
package enum SharedFile {
  /// `<checkout>/../shared/<path>`
  package static func url(_ path: String) -> URL {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("shared/\(path)")
  }

  /// Nil, with a line that says so, when the file is absent.
  package static func bytes(_ path: String) -> [UInt8]? {
    if let data = try? Data(contentsOf: url(path)) { return [UInt8](data) }
    print("SKIPPED: tests of ../shared/\(path), which is absent")
    return nil
  }

  /// The files of a folder by name, in order; nil, with a line that says so, when it is absent.
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
