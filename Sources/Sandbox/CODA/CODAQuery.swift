import HTTPServer

/// Reads query parameters and collects all their problems.
struct CODAQuery {
  private let request: HTTPServer.Request
  private(set) var problems: [(name: String, message: String)] = []

  init(_ request: HTTPServer.Request) { self.request = request }

  /// A parameter without a value counts as absent.
  func text(_ name: String) -> String? {
    request.query(name).flatMap { $0.isEmpty ? nil : $0 }
  }

  mutating func choice(_ name: String, of allowed: [String]) -> String? {
    guard let text = text(name) else { return nil }
    if allowed.contains(text) { return text }
    problems.append((name, "\"\(text)\" is not a valid choice."))
    return nil
  }

  /// A comma-separated list of choices.
  mutating func choices(_ name: String, of allowed: [String]) -> [String]? {
    guard let text = text(name) else { return nil }
    let words = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    for word in words where !allowed.contains(word) {
      problems.append((name, "\"\(word)\" is not a valid choice."))
      return nil
    }
    return words
  }

  mutating func integer(_ name: String, from least: Int? = nil) -> Int? {
    guard let text = text(name) else { return nil }
    guard let number = Int(text) else {
      problems.append((name, "A valid integer is required."))
      return nil
    }
    if let least, number < least {
      problems.append((name, "Ensure this value is greater than or equal to \(least)."))
      return nil
    }
    return number
  }

  mutating func flag(_ name: String) -> Bool? {
    guard let text = text(name) else { return nil }
    switch text {
    case "true", "True", "1": return true
    case "false", "False", "0": return false
    default:
      problems.append((name, "Must be a valid boolean."))
      return nil
    }
  }

  mutating func page(sizeName: String?) -> CODAPage {
    let number = integer("page", from: 1) ?? 1
    let size = sizeName.flatMap { integer($0, from: 1) } ?? CODAPage.defaultSize
    return CODAPage(number: number, size: size)
  }

  /// Throws the collected problems. Call after all parameters are read.
  func finish() throws(CODAError) {
    if !problems.isEmpty { throw .fields(problems) }
  }
}
