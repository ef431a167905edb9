/// A mailbox (RFC 5322 section 3.4).
package struct MailAddress: Sendable, Hashable {
  /// The decoded display name; nil if there is none.
  package var name: String?
  /// `local@domain`, without comments and folding. Empty if the field has only a name.
  package var address: String

  package init(name: String? = nil, _ address: String) {
    self.name = name
    self.address = address
  }
}

/// One element of an address list: a mailbox or a group.
package enum MailAddressEntry: Sendable, Hashable {
  case mailbox(MailAddress)
  case group(name: String, [MailAddress])

  package var mailboxes: [MailAddress] {
    switch self {
    case .mailbox(let mailbox): [mailbox]
    case .group(_, let mailboxes): mailboxes
    }
  }
}
