/// The query of the user list: `name:'Test User' isAdmin=false email:adm*`. All clauses must match.
struct DirectoryUserQuery {
  private struct Clause {
    var field: String
    /// `:` matches words, `=` matches the whole value.
    var isWhole: Bool
    var value: String
  }

  private static let fields = [
    "name", "email", "givenname", "familyname", "isadmin", "issuspended", "isdelegatedadmin",
    "orgunitpath", "phone", "ischangepasswordatnextlogin",
  ]

  private var clauses: [Clause] = []

  init(_ text: String) throws(GoogleAPIError) {
    var rest = text[...].drop(while: \.isWhitespace)
    while !rest.isEmpty {
      let field = rest.prefix { $0.isLetter }
      rest = rest.dropFirst(field.count)
      var clause = Clause(field: field.lowercased(), isWhole: false, value: "")
      if Self.fields.contains(clause.field), rest.first == ":" || rest.first == "=" {
        clause.isWhole = rest.removeFirst() == "="
      } else if field.isEmpty || !(rest.isEmpty || rest.first?.isWhitespace == true) {
        throw Self.invalid
      } else {
        // A bare word is searched in names and addresses.
        clauses.append(Clause(field: "", isWhole: false, value: String(field)))
        rest = rest.drop(while: \.isWhitespace)
        continue
      }
      clause.value = try Self.value(&rest)
      clauses.append(clause)
      rest = rest.drop(while: \.isWhitespace)
    }
  }

  private static let invalid = GoogleAPIError.invalidInput("Invalid Input: query")

  private static func value(_ rest: inout Substring) throws(GoogleAPIError) -> String {
    let value: Substring
    if let quote = rest.first, quote == "'" || quote == "\"" {
      value = rest.dropFirst().prefix { $0 != quote }
      guard rest.count >= value.count + 2 else { throw invalid }
      rest = rest.dropFirst(value.count + 2)
    } else {
      value = rest.prefix { !$0.isWhitespace }
      rest = rest.dropFirst(value.count)
    }
    guard !value.isEmpty else { throw invalid }
    return String(value)
  }

  func matches(_ user: DirectoryUser) -> Bool { clauses.allSatisfy { Self.matches(user, $0) } }

  private static func matches(_ user: DirectoryUser, _ clause: Clause) -> Bool {
    let wanted = clause.value.lowercased()
    func fits(_ texts: [String]) -> Bool {
      texts.contains { text in
        let text = text.lowercased()
        if wanted.hasSuffix("*") { return text.hasPrefix(wanted.dropLast()) }
        return clause.isWhole ? text == wanted : text == wanted || words(text, hold: wanted)
      }
    }
    let names = ["\(user.givenName) \(user.familyName)", user.givenName, user.familyName]
    switch clause.field {
    case "": return fits(names + user.addresses)
    case "name": return fits(clause.isWhole ? [names[0]] : names)
    case "givenname": return fits([user.givenName])
    case "familyname": return fits([user.familyName])
    case "email": return fits(user.addresses)
    case "orgunitpath": return fits([user.orgUnitPath])
    case "isadmin": return "\(user.isAdmin)" == wanted
    case "issuspended": return "\(user.isSuspended)" == wanted
    case "isdelegatedadmin": return wanted == "false"
    case "ischangepasswordatnextlogin": return "\(user.changesPassword)" == wanted
    case "phone":
      return user.details.contains { $0.name == "phones" && $0.value.text.contains(wanted) }
    default: return false
    }
  }

  private static func words(_ text: String, hold wanted: String) -> Bool {
    let words = text.split { $0.isWhitespace }.map(String.init)
    let sought = wanted.split { $0.isWhitespace }.map(String.init)
    guard !sought.isEmpty, words.count >= sought.count else { return false }
    return (0...words.count - sought.count).contains { words[$0...].starts(with: sought) }
  }
}
