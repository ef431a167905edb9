import Basics

/// The header Content-Disposition (RFC 6266).
public enum ContentDisposition {
  /// The file name that a response suggests, without folders. Prefers `filename*` in UTF-8 (RFC
  /// 8187) to `filename`. Nil if there is none.
  public static func fileName(_ response: HTTPResponse) -> String? {
    guard let header = response.header("content-disposition") else { return nil }
    let parameters = parameters(of: header)
    let extended = parameters["filename*"].flatMap { value -> String? in
      let parts = value.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3, parts[0].lowercased() == "utf-8" else { return nil }
      return PercentEncoding.decode(String(parts[2]))
    }
    guard let name = extended ?? parameters["filename"] else { return nil }
    let last = name.split { $0 == "/" || $0 == "\\" }.last.map(String.init) ?? ""
    return last.isEmpty || last == "." || last == ".." ? nil : last
  }

  private static func parameters(of header: String) -> [String: String] {
    var parameters: [String: String] = [:]
    var rest = header[...].drop { $0 != ";" }
    while rest.first == ";" {
      rest = rest.dropFirst()
      let name = rest.prefix { $0 != "=" && $0 != ";" }
      rest = rest[name.endIndex...]
      guard rest.first == "=" else { continue }
      rest = rest.dropFirst().drop { $0 == " " || $0 == "\t" }
      let value = rest.first == "\"" ? quoted(&rest) : token(&rest)
      let key = name.filter { $0 != " " && $0 != "\t" }.lowercased()
      if parameters[key] == nil { parameters[key] = value }
      rest = rest.drop { $0 != ";" }
    }
    return parameters
  }

  private static func token(_ rest: inout Substring) -> String {
    let value = rest.prefix { $0 != ";" && $0 != " " && $0 != "\t" }
    rest = rest[value.endIndex...]
    return String(value)
  }

  private static func quoted(_ rest: inout Substring) -> String {
    var value = ""
    rest = rest.dropFirst()
    while let character = rest.popFirst(), character != "\"" {
      if character == "\\", let escaped = rest.popFirst() {
        value.append(escaped)
      } else {
        value.append(character)
      }
    }
    return value
  }
}
