import Basics
import JSON

/// How to find names for the ids that a command takes, to show them in a confirmation: by another
/// command of the integration, which reads.
public struct TargetNaming: Sendable {
  /// The parameter that contains the ids.
  public let parameter: String
  /// The id of the command that returns names.
  public let command: String
  /// The parameter of that command for the ids; nil if it lists everything.
  private let targets: String?
  public var listsEverything: Bool { targets == nil }
  /// Parameters of both commands, whose arguments are copied.
  private let shared: [String]
  /// The path of the id in an element of its result, as member names.
  private let id: [String]
  /// The paths of names in it.
  private let names: [[String]]

  /// - Parameters:
  ///   - targets: the other command's parameter for the ids; nil if it lists everything.
  ///   - id: the path of the id in an element of the other command's result, as member names.
  ///   - names: the paths of names in it.
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

  /// The arguments of the command that returns names.
  ///
  /// - Parameter limit: of ids.
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
