import Basics
import JSON
import JSONPath

/// Maps documents to events.
///
/// If a path finds one value, the field has that value. If it finds several, the field is an array.
/// If it finds none, the event omits the field.
struct EventMapper: Sendable {
  /// The budget of the caller's paths per document, in units of `WorkBudget`: the evaluation time
  /// of a path can be polynomial in the size of the document. The command's own paths are cheap.
  static let maximumWorkUnits = 1_000_000

  private struct Field {
    let name: String
    let origin: Origin
    var isAdded = false
  }

  private enum Origin {
    case path(JSONPath)
    case constant(String)
  }

  private let mainPath: JSONPath
  private let usesCommandMainPath: Bool
  private let fields: [Field]

  /// - Parameter callersPaths: whether the paths of `mapping` are used. The fields that it removes
  ///   are omitted in both cases.
  init(_ source: EventSource, _ mapping: FieldMapping?, callersPaths: Bool = true) {
    let callersMainPath = callersPaths ? mapping?.mainPath : nil
    mainPath = callersMainPath ?? JSONPath(declared: source.mainPath)
    usesCommandMainPath = callersMainPath == nil
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
    for field in callersPaths ? mapping?.added ?? [] : [] {
      fields.append(Field(name: field.systemName, origin: .path(field.path), isAdded: true))
    }
    self.fields = fields
  }

  /// The events of a document: `{"fields":{…},"raw":…}`, with `files` and `error` if there are any.
  ///
  /// - Parameters:
  ///   - raw: the source of the events, included in each of them.
  ///   - details: further members of each event.
  ///   - units: the work budget of the caller's paths.
  /// - Returns: nil if the budget is exceeded. With a main path of the caller, all paths count,
  ///   because it may find any number of events.
  func events(
    of document: JSON, raw: JSON, _ details: EventDetails = EventDetails(),
    within units: Int = maximumWorkUnits
  ) -> [JSONFragment]? {
    let budget = WorkBudget(units: units)
    let callersMain = usesCommandMainPath ? nil : budget
    guard let values = values(of: mainPath, in: document, callersMain) else { return nil }
    var events: [JSONFragment] = []
    for event in values {
      // The first event is what was fetched. Each further event is a copy and costs work.
      if !events.isEmpty, let callersMain { spend(on: raw, callersMain) }
      var found: [(name: String, values: [JSON])] = []
      for field in fields {
        guard case .path(let path) = field.origin else {
          found.append((field.name, []))
          continue
        }
        let counted = field.isAdded ? budget : callersMain
        guard let values = self.values(of: path, in: event, counted) else { return nil }
        found.append((field.name, values))
      }
      guard !budget.isSpent else { return nil }
      events.append(write(found, raw, details))
    }
    return events
  }

  private func values(of path: JSONPath, in json: JSON, _ budget: WorkBudget?) -> [JSON]? {
    guard let budget else { return path.values(in: json) }
    guard let values = path.values(in: json, within: budget) else { return nil }
    // A single value is at most as long as the document. A list may repeat the same text.
    for value in values.dropFirst() {
      spend(on: value, budget)
      guard !budget.isSpent else { return nil }
    }
    return values
  }

  private func spend(on json: JSON, _ budget: WorkBudget) {
    budget.spend(1 + json.withSource(\.count) / 64)
  }

  private func write(
    _ found: [(name: String, values: [JSON])], _ raw: JSON, _ details: EventDetails
  ) -> JSONFragment {
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
        details.write(to: &writer)
      }
    }
  }
}
