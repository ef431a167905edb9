import Basics
import JSON

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
  /// What only the command tells of options: whether it has events, and the fields to remove. Apart
  /// from decoding them, so that the faults of both are told at once.
  ///
  /// - Returns: nil where there are none.
  public static func faults(
    in options: JSON, for command: CommandMetadata
  ) -> ParameterProblems? {
    guard let mapping = options["field_mapping"], !mapping.isNull else { return nil }
    var faults: [ParameterProblem] = []
    if let source = command.events?() {
      let names = source.fields.map { "\($0.name)" }
      let removed =
        mapping["remove"].map { Array($0.elements.prefix(FieldMapping.maximumFields)) } ?? []
      for (position, element) in removed.enumerated() {
        guard let name = element.string, !names.contains(name) else { continue }
        faults.append(
          ParameterProblem(
            "is no field of this command", at: "\(position)",
            didYouMean: Suggestion.closest(to: name, among: names)
          ).inside("remove"))
      }
    } else {
      faults.append(ParameterProblem("is for commands that fetch events"))
    }
    guard !faults.isEmpty else { return nil }
    return ParameterProblems(list: faults.map { $0.inside("field_mapping") }, shape: shape)
  }
}
