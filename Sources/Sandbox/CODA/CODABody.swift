import Basics
import HTTPServer
import JSON

/// A JSON object as a request's body.
struct CODABody {
  let json: JSON

  /// The stack of a connection's thread is small, and the vendor's bodies are flat.
  private static let maximumDepth = 64

  /// - Parameter mayBeEmpty: no body is then the same as `{}`.
  init(_ request: HTTPServer.Request, mayBeEmpty: Bool) throws(CODARefusal) {
    if mayBeEmpty && request.body.isEmpty {
      json = JSONFragment { $0.object { _ in } }.json
      return
    }
    let type = request.headers["Content-Type"] ?? ""
    guard Self.isJSON(type) else {
      throw .detail(415, "Unsupported media type \"\(type)\" in request.")
    }
    do {
      json = try JSON.parse(request.body, limits: JSONLimits(depth: Self.maximumDepth))
    } catch {
      throw .detail(400, "JSON parse error - \(error)")
    }
    guard json.kind == .object else {
      throw .fields([("non_field_errors", "Invalid data. Expected a dictionary.")])
    }
  }

  private static func isJSON(_ type: String) -> Bool {
    let name = type.prefix { $0 != ";" && $0 != " " }
    return name.lowercased() == "application/json"
  }

  /// The texts of required members, all that is wrong with them at once.
  func texts(_ names: String...) throws(CODARefusal) -> [String] {
    var texts: [String] = []
    var faults: [(name: String, message: String)] = []
    for name in names {
      guard let value = json[name] else {
        faults.append((name, "This field is required."))
        continue
      }
      switch value.string {
      case "": faults.append((name, "This field may not be blank."))
      case let text?: texts.append(text)
      case nil:
        faults.append((name, value.isNull ? "This field may not be null." : "Not a valid string."))
      }
    }
    guard faults.isEmpty else { throw .fields(faults) }
    return texts
  }
}
