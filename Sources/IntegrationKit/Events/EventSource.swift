import Basics
import JSON
import JSONPath

/// The event mapping of a command: the path of the events and the paths of their fields.
public struct EventSource: Sendable {
  public struct Field: Sendable {
    enum Origin: Sendable {
      case path(String)
      case constant(String)
    }

    let name: String
    let origin: Origin

    /// A field with the value that a path (RFC 9535) finds in the event.
    public static func path(_ name: String, _ path: String) -> Field {
      Field(name: name, origin: .path(path))
    }

    /// A field with a constant value.
    public static func constant(_ name: String, _ text: String) -> Field {
      Field(name: name, origin: .constant(text))
    }
  }

  /// The main event JSON path: the location of the events in a document.
  let mainPath: String
  let fields: [Field]
  /// Explains the `cursor` of the result and its use in the next call.
  let cursor: String
  /// The name of the argument for the end of the time range. A caller that follows the events leaves
  /// it out.
  package let end: String?

  public init(
    mainPath: String = "$", fields: [Field], cursor: String, end: String? = nil
  ) {
    self.mainPath = mainPath
    self.fields = fields
    self.cursor = cursor
    self.end = end
  }

  /// The mapping as `capabilities` shows it, of a command that is not declared in code.
  ///
  /// - Throws: what is wrong with it.
  package init(_ json: JSON) throws(JSONPathError) {
    mainPath = json["main_event_json_path"]?.string ?? "$"
    cursor = json["cursor"]?.string ?? ""
    end = nil
    var fields: [Field] = []
    for field in json["fields"]?.elements.map({ $0 }) ?? [] {
      guard let name = field["name"]?.string else { continue }
      if let path = field["path"]?.string {
        _ = try JSONPath(path)
        fields.append(.path(name, path))
      } else if let value = field["value"]?.string {
        fields.append(.constant(name, value))
      }
    }
    _ = try JSONPath(mainPath)
    self.fields = fields
  }

  /// An event that was mapped without the caller's mapping, mapped with it.
  ///
  /// - Parameter raw: what the event was made of. With the main path of the caller it may hold several events.
  /// - Returns: nil if the caller's paths need too much work.
  package func events(of raw: JSON, _ mapping: FieldMapping) -> [JSONFragment]? {
    EventMapper(relativeToEvents, mapping).events(of: raw, raw: raw)
  }

  /// The same fields, for documents that are events already.
  private var relativeToEvents: EventSource {
    EventSource(fields: fields, cursor: cursor)
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
  /// Validates the options against the command: whether it has pages, whether it fetches
  /// events, and the names of the fields to remove. Separate from decoding, so that the problems of both are reported at once.
  ///
  /// - Returns: nil if there are none.
  public static func faults(
    in options: JSON, for command: RegisteredCommand
  ) -> ParameterProblems? {
    var faults: [ParameterProblem] = []
    if options["all_pages"]?.bool == true, !command.hasPages {
      faults.append(
        ParameterProblem("is allowed only for commands with pages", at: "all_pages"))
    }
    faults += mappingFaults(in: options["field_mapping"], for: command.metadata)
    return faults.isEmpty ? nil : ParameterProblems(list: faults, shape: shape)
  }

  private static func mappingFaults(
    in mapping: JSON?, for command: CommandMetadata
  ) -> [ParameterProblem] {
    guard let mapping, !mapping.isNull else { return [] }
    var faults: [ParameterProblem] = []
    if let source = command.events?() {
      let names = source.fields.map { "\($0.name)" }
      let removed =
        mapping["remove"].map { Array($0.elements.prefix(FieldMapping.maximumFields)) } ?? []
      for (position, element) in removed.enumerated() {
        guard let name = element.string, !names.contains(name) else { continue }
        faults.append(
          ParameterProblem(
            "unknown event field", at: "\(position)",
            didYouMean: Suggestion.closest(to: name, among: names)
          ).inside("remove"))
      }
    } else {
      faults.append(ParameterProblem("is allowed only for commands that fetch events"))
    }
    return faults.map { $0.inside("field_mapping") }
  }
}
