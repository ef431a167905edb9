import HTTP
import IntegrationKit
import JSON

extension GmailClient: DiagnosableClient {
  package var servers: [BaseURL] {
    [settings.tokenURL, settings.gmailURL, settings.directoryURL].compactMap(\.self)
  }

  /// One sign-in for all scopes: Google refuses a service account if one of them is not delegated, and
  /// names the granted scopes to an OAuth client.
  package func permissions(
    in invocation: Invocation
  ) async throws(CommandError) -> GrantedPermissions? {
    let (token, granted) = try await tokens.tokenForAllScopes()
    if var request = TestConnection().request(with: self) {
      request.headers.append(
        HTTPRequest.Header("Authorization", "Bearer \(token.text)", isSecret: true))
      let response = try await invocation.send(
        request, refusedByRate: GmailErrors.rateRefusal)
      _ = try read(response, in: invocation)
    }
    guard let granted else {
      return GrantedPermissions { _ in .unknown("Google does not name the scopes of the token") }
    }
    let usable = settings.scopes.filter { granted.contains($0) }
    return GrantedPermissions { command in Self.verdict(of: command, usable) }
  }

  private static func verdict(
    of command: String, _ scopes: [GmailScope]
  ) -> GrantedPermissions.Verdict {
    guard let operations = operations(of: command) else {
      return .unknown("the scopes that it needs depend on its arguments")
    }
    for operation in operations where operation.leastScope(of: scopes) == nil {
      return .missing(operation.sufficientScopes.first?.url ?? operation.rawValue)
    }
    return .granted(nil)
  }

  /// Of a command without optional arguments; nil for an unknown command.
  private static func operations(of command: String) -> [GmailOperation]? {
    switch command {
    case "test_connection": []
    case "create_user", "set_user_password", "delete_users": [.changeUsers]
    case "get_user_list": [.readUsers]
    case "get_auto_reply": [.readSettings]
    case "set_auto_reply": [.changeSettings]
    case "send_email": [.sendMail]
    case "delete_emails": [.deleteMail]
    case "trash_emails", "untrash_emails", "label_emails", "report_spam": [.changeMail]
    case "list_labels": [.readLabels]
    case "fetch_event", "search_emails", "get_email", "download_email_attachment": [.readMail]
    default: nil
    }
  }
}
