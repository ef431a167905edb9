import Basics
import HTTPServer
import JSON

/// A request body: a JSON object.
struct CODABody {
  let json: JSON

  /// Limits recursion: the stack of a connection's thread is small, and the vendor's bodies are
  /// flat.
  private static let maximumDepth = 64

  /// - Parameter mayBeEmpty: whether an empty body counts as `{}`.
  init(_ request: HTTPServer.Request, mayBeEmpty: Bool) throws(CODAError) {
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

  /// The values of required string members. Reports all problems at once.
  func texts(_ names: String...) throws(CODAError) -> [String] {
    var texts: [String] = []
    var problems: [(name: String, message: String)] = []
    for name in names {
      guard let value = json[name] else {
        problems.append((name, "This field is required."))
        continue
      }
      switch value.string {
      case "": problems.append((name, "This field may not be blank."))
      case let text?: texts.append(text)
      case nil:
        problems.append(
          (name, value.isNull ? "This field may not be null." : "Not a valid string."))
      }
    }
    guard problems.isEmpty else { throw .fields(problems) }
    return texts
  }
}
