/// The Content-Range header of an upload chunk (RFC 9110 section 14.4).
enum ContentRange: Equatable {
  case whole
  case question(total: Int?)
  case piece(start: Int, total: Int?)
  case broken

  init(_ text: String) {
    let words = text.split(separator: " ")
    guard words.count == 2, words[0].lowercased() == "bytes" else {
      self = .broken
      return
    }
    let parts = words[1].split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[1] == "*" || Int(parts[1]) != nil else {
      self = .broken
      return
    }
    let total = Int(parts[1])
    if parts[0] == "*" {
      self = .question(total: total)
      return
    }
    let ends = parts[0].split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard ends.count == 2, let start = ends[0], ends[1] != nil else {
      self = .broken
      return
    }
    self = .piece(start: start, total: total)
  }
}
