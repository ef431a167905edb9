import Basics
import HTTPServer
import JSON

/// A partial response: `fields=messages(id,threadId),nextPageToken` or `a/b`, `*` for any name.
///
/// A mask selects whole values at its depth; `payload/parts/filename` does not apply to nested
/// parts.
struct GmailFields {
  /// Nil means all members.
  private indirect enum Mask {
    case all
    case members([(name: String, mask: Mask)])
  }

  static func selected(
    of response: HTTPServer.Response, by request: HTTPServer.Request
  ) throws(GoogleAPIError) -> HTTPServer.Response {
    guard let text = request.query("fields"), !text.isEmpty, response.status == 200,
      !response.body.isEmpty
    else { return response }
    var reader = Reader(text: text[...])
    guard let mask = reader.list(depth: 0), reader.text.isEmpty else {
      throw .invalidArgument("Invalid field selection \(text)")
    }
    var selected = response
    let whole = JSONFragment(trusted: response.body).json
    selected.body = JSONFragment { write(whole, mask, to: &$0) }.bytes
    return selected
  }

  private static func write(_ json: JSON, _ mask: Mask, to writer: inout JSONWriter) {
    guard case .members(let members) = mask else {
      writer.value(json)
      return
    }
    switch json.kind {
    case .array:
      writer.array { writer in for element in json.elements { write(element, mask, to: &writer) } }
    case .object:
      writer.object { writer in
        for member in json.members {
          let name = member.name.string ?? ""
          guard let found = members.first(where: { $0.name == name || $0.name == "*" }) else {
            continue
          }
          writer.name(text: name)
          write(member.value, found.mask, to: &writer)
        }
      }
    default: writer.value(json)
    }
  }

  private struct Reader {
    var text: Substring
    private static let maximumDepth = 16

    /// Nil for an invalid mask.
    mutating func list(depth: Int) -> Mask? {
      guard depth < Self.maximumDepth else { return nil }
      var members: [(name: String, mask: Mask)] = []
      while true {
        guard let member = member(depth: depth) else { return nil }
        members.append(member)
        guard text.first == "," else { break }
        text.removeFirst()
      }
      return members.contains { $0.name == "*" } && members.count == 1 && isAll(members[0].mask)
        ? .all : .members(members)
    }

    private func isAll(_ mask: Mask) -> Bool { if case .all = mask { true } else { false } }

    private mutating func member(depth: Int) -> (name: String, mask: Mask)? {
      let name = text.prefix { $0.isLetter || $0.isNumber || "_*-".contains($0) }
      guard !name.isEmpty, depth < Self.maximumDepth else { return nil }
      text = text.dropFirst(name.count)
      switch text.first {
      case "/":
        text.removeFirst()
        return member(depth: depth + 1).map { (String(name), .members([$0])) }
      case "(":
        text.removeFirst()
        guard let mask = list(depth: depth + 1), text.first == ")" else { return nil }
        text.removeFirst()
        return (String(name), mask)
      default: return (String(name), .all)
      }
    }
  }
}
