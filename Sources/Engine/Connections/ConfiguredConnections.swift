import Basics
import IntegrationKit
import JSON

/// The connections file of the operator.
package struct ConfiguredConnections: Sendable {
  package let path: String
  /// Whether connections of integrations that cannot be used are left out.
  let leavesOutUnknown: Bool

  package init(path: String, leavesOutUnknown: Bool) {
    self.path = path
    self.leavesOutUnknown = leavesOutUnknown
  }

  private static let formatRemedy =
    "A connections file is JSON: {\"connections\":{\"NAME\":{…}}}."

  /// The object of connections in a connections file.
  static func connections(
    in content: [UInt8], of path: String
  ) throws(ConfigurationError) -> JSON {
    let file: JSON
    do {
      file = try JSON.parse(content)
    } catch {
      let position = error.lineAndColumn(in: content)
      throw ConfigurationError(
        "\(path):\(position.line):\(position.column): \(error.reason)", remedy: formatRemedy)
    }
    guard let connections = file["connections"], connections.kind == .object else {
      throw ConfigurationError(
        "\(path): \"connections\" is required and must be an object", remedy: formatRemedy)
    }
    return connections
  }

  /// What the file contains.
  struct Content: Sendable {
    var connections: [(name: String, candidate: ConnectionMaker.Candidate)] = []
    /// Names of connections of integrations that cannot be used.
    var rejected: [RejectedConnection] = []
  }

  /// Reads the file. Blocks.
  ///
  /// - Parameter deadline: of the file; nil to wait for one that another program still writes.
  /// - Throws: if the file cannot be read, or is no connections file.
  func read(
    with maker: ConnectionMaker, until deadline: Deadline? = nil
  ) throws(ConfigurationError) -> Content {
    let log = maker.environment.log
    maker.environment.files.protect(path)
    let file: TrustedFile.Content
    do throws(FileError) {
      file = try TrustedFile.read(
        path, limit: ConnectionStore.maximumFileBytes, deadline: deadline
      ) { log.warning($0) }
    } catch {
      throw ConfigurationError("cannot read the connections file: \(error)")
    }
    let connections = try Self.connections(in: file.bytes, of: path)
    var content = Content()
    // Of repeated names the last one counts.
    let last = Dictionary(
      connections.members.enumerated().map { ($1.name.string ?? "", $0) },
      uniquingKeysWith: { $1 })
    for (position, member) in connections.members.enumerated() {
      let name = member.name.string ?? ""
      guard last[name] == position else { continue }
      do throws(ParameterProblems) {
        content.connections.append((name, try maker.candidate(member.value)))
      } catch {
        // A plugin that is missing or cannot be used does not stop the host.
        if leavesOutUnknown, maker.catalogue.integration(member.value["integration"]) == nil {
          let reason =
            maker.catalogue.obstacle(to: member.value["integration"])?.message
            ?? error.lines(prefix: "").joined(separator: "; ")
          log.error("the connection \(name) is left out: \(reason)")
        } else {
          content.rejected.append(RejectedConnection(name: name, problems: error))
        }
      }
    }
    if file.isReadableByOthers,
      connections.members.contains(where: { Self.hasLiteralSecret($0.value, maker.catalogue) })
    {
      log.warning(
        "other users can read the secrets in \(path); run chmod 600 on it, or use $file or $env")
    }
    return content
  }

  static func hasLiteralSecret(_ connection: JSON, _ catalogue: Catalogue) -> Bool {
    let integration = catalogue.integration(connection["integration"]?.string ?? "")
    return integration?.settingsShape.secretNames.contains { name in
      connection["settings"]?[name].map { !PlainReferences.isReference($0) } ?? false
    } ?? false
  }
}

/// A connection of a connections file that has problems.
package struct RejectedConnection: Sendable {
  package let name: String
  private let problems: RequestProblems
  /// One line per problem.
  package let lines: [String]

  init(name: String, problems: ParameterProblems) {
    self.name = name
    self.problems = RequestProblems(
      problems.inside(name).inside("connections"), prefix: "")
    lines = problems.inside(name).inside("connections").lines(prefix: "")
  }

  package func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("name", name)
      writer.name("problems")
      problems.writeList(to: &writer)
    }
  }
}
