import Basics
import JSON
import JSONPath

/// Makes events out of documents.
///
/// A path that finds one value gives the field that value, one that finds several an array of them;
/// without any the field is left out.
struct EventMapper: Sendable {
  /// What a caller's paths may do with one document, in units of `WorkBudget`: the time that a path
  /// takes can be a power of the document's size. The command's own paths are known to be cheap.
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
  private let hasOwnMainPath: Bool
  private let fields: [Field]

  /// - Parameter callersPaths: whether those of `mapping` are taken; what it removes is left out
  ///   either way.
  init(_ source: EventSource, _ mapping: FieldMapping?, callersPaths: Bool = true) {
    let callersMainPath = callersPaths ? mapping?.mainPath : nil
    mainPath = callersMainPath ?? JSONPath(declared: source.mainPath)
    hasOwnMainPath = callersMainPath == nil
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

  /// The events of a document: `{"fields":{…},"raw":…}`.
  ///
  /// - Parameters:
  ///   - raw: what each of them shows as what it was made of.
  ///   - units: of work, for the caller's paths.
  /// - Returns: nil when those take more. With a main path of the caller's, all paths are counted:
  ///   it may find any number of events.
  func events(
    of document: JSON, raw: JSON, within units: Int = maximumWorkUnits
  ) -> [JSONFragment]? {
    let budget = WorkBudget(units: units)
    let callersMain = hasOwnMainPath ? nil : budget
    guard let values = values(of: mainPath, in: document, callersMain) else { return nil }
    var events: [JSONFragment] = []
    for event in values {
      // The first one is what was fetched; the others are copies of it.
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
      events.append(write(found, raw))
    }
    return events
  }

  private func values(of path: JSONPath, in json: JSON, _ budget: WorkBudget?) -> [JSON]? {
    guard let budget else { return path.values(in: json) }
    guard let values = path.values(in: json, within: budget) else { return nil }
    // One value is as long as the document at most, but a list may hold the same text often.
    for value in values.dropFirst() {
      spend(on: value, budget)
      guard !budget.isSpent else { return nil }
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
}
