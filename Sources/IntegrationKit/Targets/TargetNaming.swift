import Basics
import JSON

/// How the ids that a command takes become names that people know, when they are asked whether it may
/// run: another command of the integration, which reads, tells them.
public struct TargetNaming: Sendable {
  /// The parameter with the ids.
  public let parameter: String
  /// The id of the command that knows names.
  public let command: String
  /// That command's parameter for the ids; nil where it lists everything.
  private let targets: String?
  public var listsEverything: Bool { targets == nil }
  /// Parameters that both commands have, and that are taken over.
  private let shared: [String]
  /// Where the id stands in an element of its result, by member names.
  private let id: [String]
  /// Where names stand in it.
  private let names: [[String]]

  /// - Parameters:
  ///   - targets: the other command's parameter for the ids; nil where it lists everything.
  ///   - id: where the id stands in an element of the other command's result, by member names.
  ///   - names: where names stand in it.
  public init(
    of parameter: String, by command: String, _ targets: String? = nil,
    sharing shared: [String] = [],
    id: [String] = ["id"], names: [[String]]
  ) {
    self.parameter = parameter
    self.command = command
    self.targets = targets
    self.shared = shared
    self.id = id
    self.names = names
  }

  /// The arguments of the command that knows names.
  ///
  /// - Parameter limit: ids that are asked for at most.
  public func arguments(for arguments: JSON?, limit: Int) -> JSONFragment {
    JSONFragment { writer in
      writer.object { writer in
        for name in shared {
          guard let value = arguments?[name] else { continue }
          writer.name(text: name)
          writer.value(value)
        }
        guard let targets, let ids = arguments?[parameter] else { return }
        writer.name(text: targets)
        writer.array { writer in
          if ids.kind == .array {
            for id in ids.elements.prefix(limit) { writer.value(id) }
          } else {
            writer.value(ids)
          }
        }
      }
    }
  }

  /// The names by id, as far as the elements of the other command's result have them.
  package func names(of elements: [JSON]) -> [String: String] {
    var found: [String: String] = [:]
    for element in elements {
      guard let id = Self.text(at: id, in: element) else { continue }
      let names = names.compactMap { Self.text(at: $0, in: element) }.filter { !$0.isEmpty }
      if !names.isEmpty { found[id] = names.joined(separator: ", ") }
    }
    return found
  }

  private static func text(at path: [String], in element: JSON) -> String? {
    let value = path.reduce(element as JSON?) { value, name in value?[name] }
    return value.flatMap { $0.string ?? $0.integer.map { "\($0)" } }
  }
}
