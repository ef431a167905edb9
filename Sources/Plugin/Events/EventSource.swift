import Basics

/// What the events of a command are made of: where they stand, and where their fields come from.
public struct EventSource: Sendable {
  public struct Field: Sendable {
    enum Origin: Sendable {
      case path(StaticString)
      case constant(StaticString)
    }

    let name: StaticString
    let origin: Origin

    /// What a path (RFC 9535) finds in the event.
    public static func path(_ name: StaticString, _ path: StaticString) -> Field {
      Field(name: name, origin: .path(path))
    }

    /// The same text in each event.
    public static func constant(_ name: StaticString, _ text: StaticString) -> Field {
      Field(name: name, origin: .constant(text))
    }
  }

  /// The main event JSON path: where events stand in a document.
  let mainPath: StaticString
  let fields: [Field]
  /// What the `cursor` of the result is, and how the next call takes it.
  let cursor: StaticString

  public init(mainPath: StaticString = "$", fields: [Field], cursor: StaticString) {
    self.mainPath = mainPath
    self.fields = fields
    self.cursor = cursor
  }

  public func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("main_event_json_path", "\(mainPath)")
      writer.name("fields")
      writer.array { writer in
        for field in fields {
          writer.object {
            $0.member("name", "\(field.name)")
            switch field.origin {
            case .path(let path): $0.member("path", "\(path)")
            case .constant(let text): $0.member("value", "\(text)")
            }
          }
        }
      }
      writer.member("cursor", "\(cursor)")
    }
  }
}

extension InvocationOptions {
  /// Checks what only the command tells: whether it has events, and these fields.
  ///
  /// - Throws: every fault at once.
  public func check(for command: CommandAbout) throws(ParameterProblems) {
    guard let fieldMapping else { return }
    var faults: [ParameterProblem] = []
    if let source = command.events?() {
      let names = source.fields.map { "\($0.name)" }
      for (position, name) in fieldMapping.removed.enumerated() where !names.contains(name) {
        faults.append(
          ParameterProblem(
            "is no field of this command", at: "\(position)",
            didYouMean: Suggestion.closest(to: name, among: names)
          ).inside("remove"))
      }
    } else {
      faults.append(ParameterProblem("is for commands that fetch events"))
    }
    guard faults.isEmpty else {
      throw ParameterProblems(
        list: faults.map { $0.inside("field_mapping") }, shape: InvocationOptions.shape)
    }
  }
}
