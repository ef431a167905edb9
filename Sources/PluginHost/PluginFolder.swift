import Basics
import Delivery
import Glibc
import IntegrationKit
import JSON

/// The folder of one plugin.
package struct PluginFolder: Sendable {
  /// Bytes of `plugin.json` and `catalogue.json` at most.
  static let maximumDescriptionBytes = 1_024 * 1_024
  static let maximumCatalogueBytes = 16 * 1_024 * 1_024
  /// The names of its files.
  static let descriptionName = "plugin.json"
  static let catalogueName = "catalogue.json"

  package let path: String
  package let description: PluginDescription

  package var id: String { description.id }

  /// The folders of plugins below a directory, in the order of their names; the directory itself if it is
  /// one.
  package static func paths(below directory: String) throws(FileError) -> [String] {
    try TrustedFile.checkDirectory(directory)
    if access("\(directory)/\(descriptionName)", F_OK) == 0 { return [directory] }
    guard let open = opendir(directory) else { throw FileError(path: directory, code: errno) }
    defer { closedir(open) }
    var names: [String] = []
    while let entry = readdir(open) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted().map { "\(directory)/\($0)" }.filter {
      access("\($0)/\(descriptionName)", F_OK) == 0
    }
  }

  /// Reads `plugin.json`. Its folder and the file must belong to this user or root.
  package init(_ path: String) throws(PluginFault) {
    self.path = path
    let file = "\(path)/\(Self.descriptionName)"
    do throws(FileError) {
      try TrustedFile.checkDirectory(path)
    } catch {
      throw PluginFault(["\(error)"])
    }
    let text = try Self.read(file, limit: Self.maximumDescriptionBytes)
    let json: JSON
    do throws(JSONError) {
      json = try JSON.parse(text)
    } catch {
      let position = error.lineAndColumn(in: text)
      throw PluginFault(["\(file):\(position.line):\(position.column): \(error.reason)"])
    }
    do throws(ParameterProblems) {
      description = try PluginDescription.shape.decode(json) { PluginDescription(&$0) }
    } catch {
      throw PluginFault(error.lines(prefix: "\(file): "))
    }
  }

  /// Reads a file of a plugin. To read anything but a regular file may block.
  static func read(_ path: String, limit: Int) throws(PluginFault) -> [UInt8] {
    guard isRegularFile(path) else { throw PluginFault(["\(path) is not a regular file"]) }
    do throws(FileError) {
      return try TrustedFile.read(path, limit: limit).bytes
    } catch {
      throw PluginFault(["\(error)"])
    }
  }

  private static func isRegularFile(_ path: String) -> Bool {
    var status = Glibc.stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// Checks the files that `checksums` names, and the program if it is one of the folder. Blocks.
  func check() throws(PluginFault) {
    do throws(FileError) {
      try TrustedFile.checkDirectory(path)
      let program = description.command[0]
      if program.contains("/") { try TrustedFile.check(absolute(program)) }
      for argument in description.command.dropFirst() where Self.isRegularFile(absolute(argument)) {
        try TrustedFile.check(absolute(argument))
      }
    } catch {
      throw PluginFault(["\(error)"])
    }
    try checkDigests()
  }

  private func absolute(_ name: String) -> String {
    name.hasPrefix("/") ? name : "\(path)/\(name)"
  }

  private func checkDigests() throws(PluginFault) {
    for (name, expected) in description.checksums.sorted(by: { $0.key < $1.key }) {
      let actual = try FileDigest.sha256(ofFile: "\(path)/\(name)")
      guard actual == expected.lowercased() else {
        throw PluginFault(["\(name) does not match its digest in \(Self.descriptionName)"])
      }
    }
  }
}

/// Why a plugin cannot be used: one line per problem.
package struct PluginFault: Error, Sendable {
  package let problems: [String]
  /// The error of calls, if it is not of the plugin: a secret that cannot be read.
  let cause: CommandError?

  package init(_ problems: [String]) {
    self.problems = problems
    cause = nil
  }

  init(_ cause: CommandError) {
    problems = [cause.message]
    self.cause = cause
  }

  package var text: String { problems.joined(separator: "; ") }
}
