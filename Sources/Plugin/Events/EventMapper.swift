import Basics
import JSONPath

/// Makes events out of documents.
///
/// A path that finds one value gives the field that value, one that finds several an array of them;
/// without any the field is left out.
struct EventMapper: Sendable {
  /// What the paths may do with one document, in units of `WorkBudget`: they come from callers, and
  /// the time that a path takes can be a power of the document's size.
  static let maximumWorkUnits = 1_000_000

  private struct Field {
    let name: String
    let origin: Origin
  }

  private enum Origin {
    case path(JSONPath)
    case constant(String)
  }

  private let mainPath: JSONPath
  private let fields: [Field]

  init(_ source: EventSource, _ mapping: FieldMapping?) {
    mainPath = mapping?.mainPath ?? JSONPath(declared: source.mainPath)
    let removed = Set(mapping?.removed ?? [])
    var fields: [Field] = []
    for field in source.fields where !removed.contains("\(field.name)") {
      switch field.origin {
      case .path(let path):
        fields.append(Field(name: "\(field.name)", origin: .path(JSONPath(declared: path))))
      case .constant(let text):
        fields.append(Field(name: "\(field.name)", origin: .constant("\(text)")))
      }
    }
    for field in mapping?.added ?? [] {
      fields.append(Field(name: field.systemName, origin: .path(field.path)))
    }
    self.fields = fields
  }

  /// The events of a document: `{"fields":{…},"raw":…}`.
  ///
  /// - Parameter raw: what each of them shows as what it was made of.
  /// - Throws: when the paths take more than `maximumWorkUnits`.
  func events(of document: JSON, raw: JSON) throws(CommandError) -> [JSONFragment] {
    let budget = WorkBudget(units: Self.maximumWorkUnits)
    var events: [JSONFragment] = []
    for event in try values(of: mainPath, in: document, budget) {
      // The first one is what was fetched; the others are copies of it.
      if !events.isEmpty { spend(on: raw, budget) }
      var found: [(name: String, values: [JSON])] = []
      for field in fields {
        guard case .path(let path) = field.origin else {
          found.append((field.name, []))
          continue
        }
        found.append((field.name, try values(of: path, in: event, budget)))
      }
      guard !budget.isSpent else { throw Self.tooMuch }
      events.append(write(found, raw))
    }
    return events
  }

  private func values(
    of path: JSONPath, in json: JSON, _ budget: WorkBudget
  ) throws(CommandError) -> [JSON] {
    guard let values = path.values(in: json, within: budget) else { throw Self.tooMuch }
    // One value is as long as the document at most, but a list may hold the same text often.
    for value in values.dropFirst() {
      spend(on: value, budget)
      guard !budget.isSpent else { throw Self.tooMuch }
    }
    return values
  }

  private func spend(on json: JSON, _ budget: WorkBudget) {
    budget.spend(1 + json.withSource(\.count) / 64)
  }

  private func write(_ found: [(name: String, values: [JSON])], _ raw: JSON) -> JSONFragment {
    JSONFragment { writer in
      writer.object { writer in
        writer.name("fields")
        writer.object { writer in
          for (field, found) in zip(fields, found) {
            if case .constant(let text) = field.origin {
              writer.name(text: field.name)
              writer.string(text)
              continue
            }
            guard let first = found.values.first else { continue }
            writer.name(text: field.name)
            if found.values.count == 1 {
              writer.value(first)
            } else {
              writer.array { for value in found.values { $0.value(value) } }
            }
          }
        }
        writer.member("raw", raw)
      }
    }
  }

  private static var tooMuch: CommandError {
    CommandError(
      .validation,
      "The paths of field_mapping look at more than maximumWorkUnits (\(maximumWorkUnits)) values "
        + "of one event.",
      remedy: "Name members in the paths, and leave out .. and filters inside filters.")
  }
}
