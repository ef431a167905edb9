import Basics
import IntegrationKit
import JSON
import Mail

/// The attachments of a message as Gmail lists them. A hostile mail can have thousands of them, so
/// lookups use tables.
struct MessageAttachments {
  /// Missing names with a suggestion. Each suggestion needs a comparison with all names.
  private static let maximumHints = 5
  /// Names that are compared per suggestion.
  private static let maximumHintNames = 1_000

  private let parts: [MailPart]
  /// The names of the stored files.
  private let storedNames: [String]
  /// Positions by Gmail's name, which may be empty, and by the name of the stored file.
  private let positionsByName: [String: [Int]]
  private let positionsByStoredName: [String: [Int]]
  /// Gmail's JSON per part ID.
  private let answers: [String: JSON]

  /// - Throws: the documents' error if the message has no attachments.
  init(_ message: JSON) throws(CommandError) {
    guard let payload = message["payload"], let mail = MailMessage(gmailPayload: payload) else {
      throw CommandError(.upstream, "Gmail's response contains no message.")
    }
    let parts = mail.allAttachments
    guard !parts.isEmpty else {
      throw CommandError(
        .notFound, statusCode: 403, "The message doesn't contain any attachments.",
        remedy: "Read the message with get_email, or search with has:attachment.")
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

  /// Iterative, because a hostile mail may be nested deeply.
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

  // MARK: Missing attachments

  /// Suggestions for the first names that match no attachment.
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
    let question = hint.map { " Did you mean \"\($0)\"?" } ?? ""
    return CommandError(
      .notFound, "The message has no attachment named \"\(name)\".",
      remedy: "Use names from get_email at $[*].payload..filename.\(question)")
  }
}

/// The attachments of a raw message, to look up the parts that Gmail lists.
struct RawAttachments {
  private struct Key: Hashable {
    let isMail: Bool
    let text: String
  }

  private let byID: [Key: MailPart]
  /// Only attachments with a unique name.
  private let byUniqueName: [Key: MailPart]

  init(_ mail: MailMessage) {
    let parts = mail.allAttachments
    byID = Dictionary(parts.map { (Key(isMail: $0.mediaType.isMail, text: $0.id), $0) }) {
      (first, _) in first
    }
    let named = parts.filter { $0.fileName != nil }
    byUniqueName = Dictionary(grouping: named) {
      Key(isMail: $0.mediaType.isMail, text: $0.fileName ?? "")
    }.compactMapValues { $0.count == 1 ? $0[0] : nil }
  }

  /// The corresponding part. Gmail may parse a malformed mail differently, or decode a name with
  /// another charset.
  func counterpart(of part: MailPart) -> MailPart? {
    let isMail = part.mediaType.isMail
    let sameID = byID[Key(isMail: isMail, text: part.id)]
    guard let name = part.fileName, sameID?.fileName != name else { return sameID }
    return byUniqueName[Key(isMail: isMail, text: name)] ?? sameID
  }
}

extension MailPart {
  /// Whether the content must come from the raw message.
  var needsRaw: Bool {
    if mediaType.isMail { return true }
    guard attachmentID == nil, bytes?.isEmpty != false else { return false }
    return true
  }

  /// The name of the stored file.
  var storedName: String {
    let name = fileName ?? embedded?.subject ?? "part-\(id)"
    guard mediaType.isMail, !name.lowercased().hasSuffix(".eml") else { return name }
    return name + ".eml"
  }

  /// Gmail lists an attachment that Outlook wrapped as a multipart.
  var contentType: String {
    if mediaType.isMail { return "message/rfc822" }
    if !mediaType.isMultipart { return mediaType.description }
    let written = headers["Content-Type"]?.parameterized.value ?? ""
    return written.hasPrefix("multipart/") ? "" : written
  }
}
