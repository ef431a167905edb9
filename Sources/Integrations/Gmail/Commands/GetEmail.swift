import Basics
import FileStore
import HTTP
import IntegrationKit
import JSON
import Mail

struct GetEmail: GmailBatchCommand {
  enum Format: String, ParameterChoice {
    case full, eml
  }

  static let metadata = CommandMetadata(
    "Get Email",
    """
    Returns messages with all their parts, and attachments as IDs. With format eml, stores each \
    message as an .eml file with the exact bytes, and returns the rest without its parts.
    """,
    permissions: [Permission.mail], items: ItemsPath(),
    errorSamples: [ErrorSample(403, "Invalid id value.")],
    result: { .array(of: GmailResults.message) })

  /// Whole messages in memory.
  private static let maximumFilesInFlight = 4
  /// Bytes that are parsed for the subject.
  private static let maximumHeaderBytes = 256 * 1_024

  let user: String
  let messages: [String]
  let format: Format

  init(_ parameters: inout ParamReader) {
    user = parameters.mailboxOfMessages()
    messages = parameters.messages("The messages to read.")
    format = parameters.optional(
      "Format", .choice(Format.self),
      "full returns the parts of the messages, eml stores the messages as files.", default: .full)
  }

  func targets(with client: GmailClient) -> [Target] {
    messages.map { message in
      Target(
        message,
        client.mail(.get, user, "/messages/", message) {
          $0.query("format", format == .eml ? "raw" : "full")
        })
    }
  }

  /// Whole messages are not batched: one response would contain all of them.
  func batchSize(for targets: Int, with client: GmailClient) -> Int {
    format == .eml ? 1 : client.batchSize(for: targets, of: Self.metadata.id)
  }

  var maximumConcurrency: Int? { format == .eml ? Self.maximumFilesInFlight : nil }

  func run(
    _ target: Target, with client: GmailClient, in invocation: Invocation
  ) async throws(CommandError) -> TargetAnswer {
    let message = try await client.exchange(target.request, in: invocation)
    guard format == .eml else { return TargetAnswer(message) }
    guard let raw = message["raw"]?.stringBytes, !raw.isEmpty else {
      throw CommandError(.upstream, "Gmail's response contains no raw message.")
    }
    let bytes = LenientBase64.decode(raw)
    let file = try await invocation.store(
      bytes, name: Self.name(of: bytes, target.names[0]), contentType: "message/rfc822")
    return TargetAnswer(Self.answer(message, file), files: [file])
  }

  /// The subject, or the message ID if there is none.
  private static func name(of bytes: [UInt8], _ id: String) -> String {
    let subject = MailMessage(reading: Array(bytes.prefix(maximumHeaderBytes))).subject
    let name = subject.flatMap { $0.isEmpty ? nil : $0 } ?? id
    return name.lowercased().hasSuffix(".eml") ? name : name + ".eml"
  }

  /// Gmail's response with the file in place of the raw message.
  private static func answer(_ message: JSON, _ file: StoredFile) -> JSON {
    JSONFragment { writer in
      writer.object { writer in
        for member in message.members where !member.name.equals("raw") {
          writer.name(copying: member.name)
          writer.value(member.value)
        }
        writer.member("fileId", file.id)
      }
    }.json
  }
}
