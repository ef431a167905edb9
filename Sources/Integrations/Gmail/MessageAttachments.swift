import Basics
import IntegrationKit
import JSON
import Mail

/// The attachments of a message as Gmail lists them. A hostile mail has thousands, of one name or of
/// as many as are asked for, so each look is one into a table.
struct MessageAttachments {
  /// Missing names that are told a likely one. A hint takes a comparison with every name there is.
  private static let maximumHints = 5
  /// Names that are compared for a hint.
  private static let maximumHintNames = 1_000

  private let parts: [MailPart]
  /// As they become files.
  private let storedNames: [String]
  /// Positions by what Gmail shows as the name, which may be empty, and by the file's.
  private let positionsByName: [String: [Int]]
  private let positionsByStoredName: [String: [Int]]
  /// Of each part what Gmail said.
  private let answers: [String: JSON]

  /// - Throws: the documents' error when there are none.
  init(_ message: JSON) throws(CommandError) {
    guard let payload = message["payload"], let mail = MailMessage(gmailPayload: payload) else {
      throw CommandError(.upstream, "Gmail's answer holds no message.")
    }
    let parts = mail.allAttachments
    guard !parts.isEmpty else {
      throw CommandError(
        .notFound, statusCode: 403, "The message doesn't contain any attachments.",
        remedy: "Look with get_email, or search with has:attachment.")
    }
    self.parts = parts
    let storedNames = parts.map(\.storedName)
    self.storedNames = storedNames
    positionsByName = Dictionary(grouping: parts.indices) { parts[$0].fileName ?? "" }
    positionsByStoredName = Dictionary(grouping: parts.indices) { storedNames[$0] }
    var answers: [String: JSON] = [:]
    Self.collect(payload, into: &answers)
    self.answers = answers
  }

  /// As deep as the reader of mail goes.
  private static func collect(_ part: JSON, into answers: inout [String: JSON]) {
    var waiting = [part]
    while let part = waiting.popLast() {
      answers[part["partId"]?.string ?? ""] = part
      if let inner = part["parts"], inner.kind == .array { waiting += inner.elements }
    }
  }

  func named(_ name: String) -> [MailPart] {
    (positionsByName[name] ?? positionsByStoredName[name] ?? []).map { parts[$0] }
  }

  func json(of parts: [MailPart]) -> JSON {
    JSONFragment { writer in
      writer.array { for part in parts { if let json = answers[part.id] { $0.value(json) } } }
    }.json
  }

  // MARK: Missing ones

  /// What the first names that no attachment has may have been meant as.
  func hints(for names: [String]) -> [String: String] {
    let missing = names.lazy.filter {
      positionsByName[$0] == nil && positionsByStoredName[$0] == nil
    }
    let candidates = storedNames.withoutDuplicates().prefix(Self.maximumHintNames)
    var hints: [String: String] = [:]
    for name in missing.prefix(Self.maximumHints) {
      hints[name] = Suggestion.closest(to: name, among: candidates)
    }
    return hints
  }

  func missing(_ name: String, hint: String?) -> CommandError {
    let question = hint.map { " Did you mean \($0)?" } ?? ""
    return CommandError(
      .notFound, "The message has no attachment named \(name).",
      remedy: "Take the names from get_email at $[*].payload..filename.\(question)")
  }
}

/// The attachments of a mail that was read here, to find those that Gmail lists.
struct RawAttachments {
  private struct Key: Hashable {
    let isMail: Bool
    let text: String
  }

  private let byID: [Key: MailPart]
  /// Those whose name no other one has.
  private let byOwnName: [Key: MailPart]

  init(_ mail: MailMessage) {
    let parts = mail.allAttachments
    byID = Dictionary(parts.map { (Key(isMail: $0.mediaType.isMail, text: $0.id), $0) }) {
      (first, _) in first
    }
    let named = parts.filter { $0.fileName != nil }
    byOwnName = Dictionary(grouping: named) {
      Key(isMail: $0.mediaType.isMail, text: $0.fileName ?? "")
    }.compactMapValues { $0.count == 1 ? $0[0] : nil }
  }

  /// The same part. Gmail may have taken a broken mail apart in another way, or read a name in
  /// another charset.
  func twin(of part: MailPart) -> MailPart? {
    let isMail = part.mediaType.isMail
    let placed = byID[Key(isMail: isMail, text: part.id)]
    guard let name = part.fileName, placed?.fileName != name else { return placed }
    return byOwnName[Key(isMail: isMail, text: name)] ?? placed
  }
}

extension MailPart {
  /// Whether only the raw mail has the content, or has it as it came.
  var needsRaw: Bool {
    if mediaType.isMail { return true }
    guard attachmentID == nil, bytes?.isEmpty != false else { return false }
    return true
  }

  /// The name of the file that it becomes.
  var storedName: String {
    let name = fileName ?? embedded?.subject ?? "part-\(id)"
    guard mediaType.isMail, !name.lowercased().hasSuffix(".eml") else { return name }
    return name + ".eml"
  }

  /// Gmail shows what Outlook has wrapped as a multipart.
  var contentType: String {
    if mediaType.isMail { return "message/rfc822" }
    if !mediaType.isMultipart { return mediaType.description }
    let written = headers["Content-Type"]?.parameterized.value ?? ""
    return written.hasPrefix("multipart/") ? "" : written
  }
}
