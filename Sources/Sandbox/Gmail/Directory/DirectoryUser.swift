import Basics
import JSON

/// A user account of the domain.
struct DirectoryUser {
  let id: String
  var email: String
  var aliases: [String] = []
  var givenName: String
  var familyName: String
  var isAdmin = false
  var isSuspended = false
  var changesPassword = false
  var orgUnitPath = "/"
  var createdSeconds: Int
  /// False until the mailbox was opened for the first time.
  var hasMailbox = true
  /// For sign-in; never returned.
  var password: String
  /// Members that the directory stores unchanged: phones, addresses and so on.
  var details: [(name: String, value: JSONFragment)] = []
  /// The number of changes.
  var version = 1
  var deletedSeconds: Int?

  var addresses: [String] { [email.lowercased()] + aliases.map { $0.lowercased() } }

  var json: JSONFragment { JSONFragment { write(to: &$0) } }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("kind", "admin#directory#user")
      writer.member("id", id)
      writer.member("etag", "\"sandbox/\(id).\(version)\"")
      writer.member("primaryEmail", email)
      writer.name("name")
      writer.object { writer in
        writer.member("givenName", givenName)
        writer.member("familyName", familyName)
        writer.member("fullName", "\(givenName) \(familyName)")
      }
      writer.member("isAdmin", isAdmin)
      writer.member("isDelegatedAdmin", false)
      writer.member("creationTime", stamp(createdSeconds))
      writer.member(ifPresent: "deletionTime", deletedSeconds.map(stamp))
      writer.member("agreedToTerms", hasMailbox)
      writer.member("suspended", isSuspended)
      writer.member(ifPresent: "suspensionReason", isSuspended ? "ADMIN" : nil)
      writer.member("archived", false)
      writer.member("changePasswordAtNextLogin", changesPassword)
      writer.member("ipWhitelisted", false)
      writeEmails(to: &writer)
      for detail in details {
        writer.name(text: detail.name)
        writer.value(detail.value)
      }
      writer.member("customerId", GoogleDomain.customerID)
      writer.member("orgUnitPath", orgUnitPath)
      writer.member("isMailboxSetup", hasMailbox)
      writer.member("isEnrolledIn2Sv", isAdmin)
      writer.member("isEnforcedIn2Sv", false)
      writer.member("includeInGlobalAddressList", true)
    }
  }

  private func writeEmails(to writer: inout JSONWriter) {
    writer.name("emails")
    writer.array { writer in
      for address in [email] + aliases {
        writer.object { writer in
          writer.member("address", address)
          if address == email { writer.member("primary", true) }
        }
      }
    }
    guard !aliases.isEmpty else { return }
    writer.name("aliases")
    writer.array { writer in for alias in aliases { writer.string(alias) } }
  }

  private func stamp(_ seconds: Int) -> String { "\(Timestamp.plain(seconds)).000Z" }
}
