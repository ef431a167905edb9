import Basics
import HTTP
import IntegrationKit
import JSON
import Mail

/// The content of the parts of one message. Gmail includes it in the message or returns it by a
/// short-lived attachment ID.
struct MailContents {
  private let client: GmailClient
  private let user: String
  private let message: String
  /// The raw message; fetched on first use.
  private var source: MailMessage?
  /// Texts of the message that must be fetched individually.
  private var fetchedTexts = 0
  private static let maximumFetchedTexts = 100
  private var unavailable: Set<String> = []
  /// By attachment ID.
  private var kept: [String: [UInt8]] = [:]
  /// Whether content that is temporarily unavailable is omitted, too.
  private let isLastAttempt: Bool
  /// Of the first content that was omitted for that.
  private(set) var failure: CommandError?

  init(of message: String, client: GmailClient, user: String, isLastAttempt: Bool) {
    self.client = client
    self.user = user
    self.message = message
    self.isLastAttempt = isLastAttempt
  }

  /// The decoded bytes of a part; nil if they are permanently unavailable.
  mutating func bytes(
    of part: MailPart, in invocation: Invocation
  ) async throws(CommandError) -> [UInt8]? {
    do throws(CommandError) {
      if let id = part.attachmentID {
        if let bytes = kept[id] { return bytes }
        return try await attachment(id, in: invocation)
      }
      // For an attached mail without a name, the response contains only its parts.
      let bytes = part.bytes ?? []
      guard bytes.isEmpty, part.mediaType.isMail else { return bytes }
      return try await original(in: invocation).flatMap { Self.part(part.id, in: $0.root)?.bytes }
    } catch {
      if !error.isPermanent {
        guard isLastAttempt, error.concernsOneMessage(ifOthersAreReadable: true)
        else { throw error }
        failure = failure ?? error
      }
      return nil
    }
  }

  /// The bytes of a part, which are fetched once for all later uses.
  mutating func keptBytes(
    of part: MailPart, in invocation: Invocation
  ) async throws(CommandError) -> [UInt8]? {
    let bytes = try await bytes(of: part, in: invocation)
    if let id = part.attachmentID { kept[id] = bytes }
    return bytes
  }

  private mutating func text(
    of part: MailPart, in invocation: Invocation
  ) async throws(CommandError) -> String? {
    try await bytes(of: part, in: invocation).map(part.text(of:))
  }

  /// The text of a mail; nil if there is none or it is permanently unavailable.
  mutating func body(
    of mail: MailMessage, in invocation: Invocation
  ) async throws(CommandError) -> RenderedBody? {
    let body = MailBody(of: mail)
    var texts: [String?] = []
    for part in body.parts {
      if part.attachmentID != nil { fetchedTexts += 1 }
      guard part.attachmentID == nil || fetchedTexts <= Self.maximumFetchedTexts else {
        texts.append(nil)
        continue
      }
      let text = try await text(of: part, in: invocation)
      if text == nil { unavailable.insert(part.isHTML ? "HTML" : "text") }
      texts.append(text)
    }
    return body.rendered(texts)
  }

  /// Texts that are not in the bodies so far.
  var bodyNotices: [String] {
    var notices = unavailable.sorted(by: >).map {
      "The \($0) of message \(message) is unavailable."
    }
    if fetchedTexts > Self.maximumFetchedTexts {
      notices.append(
        "Message \(message) has \(fetchedTexts) texts that Gmail returns as attachments. The event "
          + "contains the first \(Self.maximumFetchedTexts).")
    }
    return notices
  }

  private func attachment(
    _ id: String, in invocation: Invocation
  ) async throws(CommandError) -> [UInt8]? {
    let request = client.mail(.get, user, "/messages/", message, "/attachments/") { $0.segment(id) }
    return Self.decoded(try await client.exchange(request, in: invocation)["data"])
  }

  private mutating func original(
    in invocation: Invocation
  ) async throws(CommandError) -> MailMessage? {
    if let source { return source }
    let request = client.mail(.get, user, "/messages/", message) { $0.query("format", "raw") }
    let body = try await client.exchange(request, in: invocation)
    source = Self.decoded(body["raw"]).map { MailMessage(reading: $0) }
    return source
  }

  private static func decoded(_ data: JSON?) -> [UInt8]? {
    data?.stringBytes.map { LenientBase64.decode($0) }
  }

  /// Gmail numbers parts like the mail module.
  private static func part(_ id: String, in root: MailPart) -> MailPart? {
    if root.id == id { return root.mediaType.isMail ? root : nil }
    return root.parts.first { $0.id == id || id.hasPrefix($0.id + ".") }.flatMap {
      part(id, in: $0)
    }
  }
}

extension CommandError {
  /// Whether Gmail rejects only this content, and a retry would fail too.
  fileprivate var isPermanent: Bool {
    guard !isRetryable, !concernsSignIn else { return false }
    switch kind {
    case .upstream, .permission, .notFound: return (400..<500).contains(statusCode)
    case .tooLarge: return true
    default: return false
    }
  }
}
