import JSON
import Mail

/// A part of type `message/rfc822` that is not inside another one.
struct AttachedMail {
  struct Text {
    let partID: String
    let bytes: [UInt8]
  }

  let json: JSON
  let part: MailPart
  /// Whether it is a direct part of the payload, where the paths search.
  let isDirect: Bool
  /// The plain text of the mail.
  var text: Text?

  static func all(in payload: JSON, _ root: MailPart) -> [AttachedMail] {
    var found: [AttachedMail] = []
    collect(payload, root, depth: 0, into: &found)
    return found
  }

  private static func collect(
    _ json: JSON, _ part: MailPart, depth: Int, into found: inout [AttachedMail]
  ) {
    if EventDocumentWriter.isMail(part) {
      found.append(AttachedMail(json: json, part: part, isDirect: depth == 1))
      return
    }
    for (json, part) in EventDocumentWriter.parts(json, part) {
      collect(json, part, depth: depth + 1, into: &found)
    }
  }
}
