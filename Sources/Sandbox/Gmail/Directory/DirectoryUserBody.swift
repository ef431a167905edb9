import Basics
import JSON

/// The validated user in a request body.
struct DirectoryUserBody {
  private let json: JSON

  private static let nameCharacters = 60
  private static let passwordCharacters = 8...100
  /// Members that are stored unchanged, with their maximum size in bytes.
  private static let details: [String: Int] = [
    "addresses": 10_240, "locations": 10_240, "organizations": 10_240, "externalIds": 2_048,
    "ims": 2_048, "relations": 2_048, "websites": 2_048, "phones": 1_024, "gender": 1_024,
    "keywords": 1_024, "languages": 1_024, "customSchemas": 51_200, "notes": 10_240,
    "posixAccounts": 10_240, "sshPublicKeys": 10_240, "recoveryEmail": 1_024,
    "recoveryPhone": 64,
  ]

  init(_ json: JSON) { self.json = json }

  // MARK: A new user

  func newUser(id: String, now: Int) throws(GoogleAPIError) -> DirectoryUser {
    guard let email = json["primaryEmail"]?.string, MailAddress.isAddress(email) else {
      throw .invalidInput("Invalid Input: primary_user_email")
    }
    guard email.lowercased().hasSuffix("@" + GoogleDomain.name) else { throw .notAuthorized }
    let name = json["name"]
    guard let given = name?["givenName"]?.string else {
      throw .invalidInput("Invalid Given/Family Name: GivenName")
    }
    guard let family = name?["familyName"]?.string else {
      throw .invalidInput("Invalid Given/Family Name: FamilyName")
    }
    guard let password = json["password"]?.string else { throw .invalidInput("Invalid Password") }
    var user = DirectoryUser(
      id: id, email: email.lowercased(), givenName: given, familyName: family,
      createdSeconds: now, hasMailbox: false, password: password)
    try apply(to: &user)
    return user
  }

  // MARK: Changes

  /// Absent members stay, null clears a member, and arrays are replaced.
  func apply(to user: inout DirectoryUser) throws(GoogleAPIError) {
    if let given = json["name"]?["givenName"] {
      user.givenName = try Self.name(given, "GivenName")
    }
    if let family = json["name"]?["familyName"] {
      user.familyName = try Self.name(family, "FamilyName")
    }
    if let email = json["primaryEmail"]?.string, email.lowercased() != user.email {
      guard MailAddress.isAddress(email) else {
        throw .invalidInput("Invalid Input: primary_user_email")
      }
      guard email.lowercased().hasSuffix("@" + GoogleDomain.name) else { throw .notAuthorized }
      // The old address becomes an alias.
      user.aliases.append(user.email)
      user.email = email.lowercased()
    }
    if let password = json["password"] { user.password = try checked(password) }
    if let flag = try flag("changePasswordAtNextLogin") { user.changesPassword = flag }
    if let flag = try flag("suspended") { user.isSuspended = flag }
    if let path = json["orgUnitPath"]?.string {
      guard path.hasPrefix("/") else { throw .invalidInput("Invalid Input: INVALID_OU_ID") }
      user.orgUnitPath = path
    }
    try applyDetails(to: &user)
  }

  private func applyDetails(to user: inout DirectoryUser) throws(GoogleAPIError) {
    for member in json.members {
      guard let name = member.name.string, let limit = Self.details[name] else { continue }
      let value = JSONFragment(member.value)
      guard value.bytes.count <= limit else { throw .invalidInput("Invalid Input: \(name)") }
      if name == "recoveryPhone", let phone = member.value.string, !phone.isEmpty {
        let isE164 =
          phone.hasPrefix("+") && (8...16).contains(phone.utf8.count)
          && phone.dropFirst().allSatisfy { $0.isASCII && $0.isNumber }
        guard isE164 else { throw .invalidInput("Invalid Input: recovery_phone") }
      }
      user.details.removeAll { $0.name == name }
      if !member.value.isNull { user.details.append((name, value)) }
    }
  }

  private static func name(_ value: JSON, _ which: String) throws(GoogleAPIError) -> String {
    guard let text = value.string, !text.trimmed.isEmpty, text.count <= nameCharacters else {
      throw .invalidInput("Invalid Given/Family Name: \(which)")
    }
    return text
  }

  private func checked(_ password: JSON) throws(GoogleAPIError) -> String {
    guard let text = password.string, text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
      throw .invalidInput("Invalid Password")
    }
    switch json["hashFunction"]?.string {
    case nil:
      guard Self.passwordCharacters.contains(text.utf8.count) else { break }
      return text
    case "MD5"?:
      guard text.utf8.count == 32, text.allSatisfy(\.isHexDigit) else { break }
      return text
    case "SHA-1"?:
      guard text.utf8.count == 40, text.allSatisfy(\.isHexDigit) else { break }
      return text
    case "crypt"?:
      guard text.hasPrefix("$") || text.utf8.count == 13 else { break }
      return text
    default: throw .invalidInput("Invalid Input: hash_function")
    }
    throw .invalidInput("Invalid Password")
  }

  private func flag(_ name: String) throws(GoogleAPIError) -> Bool? {
    guard let value = json[name], !value.isNull else { return nil }
    guard let flag = value.bool else { throw .invalidInput("Invalid Input: \(name)") }
    return flag
  }
}
