import Basics
import JSON

/// The vacation responder of a user.
struct GmailVacation {
  var isOn = false
  var subject = ""
  var plain = ""
  var html = ""
  var restrictsToContacts = false
  var restrictsToDomain = false
  /// Since 1970.
  var startMilliseconds: Int?
  var endMilliseconds: Int?

  static let names = [
    "enableAutoReply", "responseSubject", "responseBodyPlainText", "responseBodyHtml",
    "restrictToContacts", "restrictToDomain", "startTime", "endTime",
  ]

  /// Omits empty texts and unset times.
  var json: JSONFragment {
    JSONFragment { writer in
      writer.object { writer in
        writer.member("enableAutoReply", isOn)
        writer.member(ifPresent: "responseSubject", subject.isEmpty ? nil : subject)
        writer.member(ifPresent: "responseBodyPlainText", plain.isEmpty ? nil : plain)
        writer.member(ifPresent: "responseBodyHtml", html.isEmpty ? nil : html)
        writer.member("restrictToContacts", restrictsToContacts)
        writer.member("restrictToDomain", restrictsToDomain)
        writer.member(ifPresent: "startTime", startMilliseconds.map(String.init))
        writer.member(ifPresent: "endTime", endMilliseconds.map(String.init))
      }
    }
  }

  /// Replaces all settings: members absent from the body get their defaults.
  init(_ body: JSON) throws(GoogleAPIError) {
    isOn = try Self.flag("enableAutoReply", body)
    subject = try Self.text("responseSubject", body)
    plain = try Self.text("responseBodyPlainText", body)
    html = Self.cleaned(try Self.text("responseBodyHtml", body))
    restrictsToContacts = try Self.flag("restrictToContacts", body)
    restrictsToDomain = try Self.flag("restrictToDomain", body)
    startMilliseconds = try Self.time("startTime", body)
    endMilliseconds = try Self.time("endTime", body)
    if let start = startMilliseconds, let end = endMilliseconds, start >= end {
      throw .invalidArgument("Invalid vacation settings: start time must precede end time")
    }
    guard !isOn || !(subject + plain + html).trimmed.isEmpty else {
      throw .invalidArgument(
        "Invalid vacation settings: either the response subject or body must be nonempty")
    }
  }

  init() {}

  private static func text(_ name: String, _ body: JSON) throws(GoogleAPIError) -> String {
    guard let value = body[name], !value.isNull else { return "" }
    guard let text = value.string else {
      throw .invalidArgument("Invalid value at 'vacation_settings.\(name)' (TYPE_STRING)")
    }
    return text
  }

  private static func flag(_ name: String, _ body: JSON) throws(GoogleAPIError) -> Bool {
    guard let value = body[name], !value.isNull else { return false }
    guard let flag = value.bool else {
      throw .invalidArgument("Invalid value at 'vacation_settings.\(name)' (TYPE_BOOL)")
    }
    return flag
  }

  /// 64-bit numbers are sent as strings and accepted as strings or numbers.
  private static func time(_ name: String, _ body: JSON) throws(GoogleAPIError) -> Int? {
    guard let value = body[name], !value.isNull else { return nil }
    guard let number = value.integer.map(Int.init) ?? value.string.flatMap({ Int($0) }) else {
      throw .invalidArgument("Invalid value at 'vacation_settings.\(name)' (TYPE_INT64)")
    }
    return number == 0 ? nil : number
  }

  /// The HTML without script elements.
  private static func cleaned(_ html: String) -> String {
    var cleaned = ""
    var rest = html[...]
    while let open = rest.firstIndex(of: "<") {
      cleaned += rest[..<open]
      rest = rest[open...]
      guard rest.prefix(7).lowercased() == "<script" else {
        cleaned.append(rest.removeFirst())
        continue
      }
      while !rest.isEmpty && rest.prefix(9).lowercased() != "</script>" { rest.removeFirst() }
      rest = rest.dropFirst(9)
    }
    return cleaned + rest
  }
}

extension GmailCall {
  func updateVacation(_ domain: inout GoogleDomain) throws(GoogleAPIError) -> JSONFragment {
    let vacation = try GmailVacation(try body(only: GmailVacation.names))
    domain.change(caller) { $0.vacation = vacation }
    return vacation.json
  }
}
