import Basics
import Crypto
import Engine
import IntegrationKit

/// Prints the address of the consent page and waits for the outcome.
struct ConsentWait {
  let exchange: ConsentExchange
  let user: String?
  let timeoutSeconds: Int

  /// Addresses with codes have a few hundred characters.
  private static let maximumPasteCharacters = 16_384

  /// The browser is redirected to this machine, or the user pastes the redirect address.
  func onLoopback(
    port: UInt16, farewellMilliseconds: Int
  ) throws(UsageError) -> Result<Consent, CommandError> {
    let inbox = ConsentInbox()
    let state = RandomToken.make()
    let proof = try makeProof()
    let listener = try ConsentListener(port: port, state: state, inbox: inbox)
    defer { listener.stop() }
    show(
      redirect: listener.redirect, state, proof,
      hint: """
        If the browser runs on another machine, the last page does not load. Paste its address here.
        """)
    readPastes(into: inbox, state, isOnlyWay: false)
    let result = outcome(of: inbox, listener.redirect, proof)
    let isSuccess = if case .success = result { true } else { false }
    inbox.settle(isSuccess: isSuccess, until: Deadline(inMilliseconds: farewellMilliseconds))
    return result
  }

  /// The browser is redirected to the operator's page, and the user pastes its address.
  func onPaste(redirect: String) throws(UsageError) -> Result<Consent, CommandError> {
    let inbox = ConsentInbox()
    let state = RandomToken.make()
    let proof = try makeProof()
    show(
      redirect: redirect, state, proof,
      hint: "After consent, paste the address of the last page here.")
    readPastes(into: inbox, state, isOnlyWay: true)
    return outcome(of: inbox, redirect, proof)
  }

  private func makeProof() throws(UsageError) -> PKCE {
    do throws(CryptoError) {
      return try PKCE()
    } catch {
      throw UsageError(
        "consent requires libcrypto: \(error.reason)",
        remedy: "Install OpenSSL (Debian: libssl3) on this machine.")
    }
  }

  /// Prints only the address on stdout, for programs that open it.
  private func show(redirect: String, _ state: String, _ proof: PKCE, hint: String) {
    let request = ConsentRequest(
      redirect: redirect, state: state, challenge: proof.challenge, user: user)
    Console.error(
      "Open this page within \(timeoutSeconds) seconds to consent for the connection "
        + "\(exchange.connectionName):")
    Console.print("\(exchange.page(for: request))")
    Console.error("\(hint)")
  }

  /// - Parameter isOnlyWay: whether no response can arrive after EOF on stdin.
  private func readPastes(into inbox: ConsentInbox, _ state: String, isOnlyWay: Bool) {
    NamedThread.start("paste") {
      while let line = readLine() {
        if line.allSatisfy(\.isWhitespace) { continue }
        guard line.count <= Self.maximumPasteCharacters,
          let answer = ConsentAnswer(pasted: line, state: state)
        else {
          Console.error("Not the address of the page and not a code. Paste again.")
          continue
        }
        if inbox.offer(answer, expectsOutcome: false) { return }
      }
      if isOnlyWay { inbox.close() }
    }
  }

  // MARK: Outcomes

  private func outcome(
    of inbox: ConsentInbox, _ redirect: String, _ proof: PKCE
  ) -> Result<Consent, CommandError> {
    let deadline = Deadline(inMilliseconds: timeoutSeconds * 1_000)
    switch inbox.answer(until: deadline) {
    case .code(let code):
      return exchange.redeem(ConsentCode(code, redirect: redirect, verifier: proof.verifier))
    case .refusal(let error, let description):
      return .failure(Self.refusal(error, description))
    case .wrongState:
      return .failure(
        CommandError(
          .auth, "The response belongs to another request: its state does not match.",
          remedy: "Start again and open only the newly printed page."))
    case nil where !deadline.hasPassed:
      return .failure(
        CommandError(
          .auth, "stdin ended before a code was received.",
          remedy: "Start again in a terminal, or write the address to stdin."))
    case nil:
      return .failure(
        CommandError(
          .timeout, "The user did not consent within \(timeoutSeconds) seconds.",
          remedy: """
            Start again with a longer --timeout. If the page showed redirect_uri_mismatch, \
            register the redirect URI with the OAuth client: see sallyport help auth.
            """))
    }
  }

  /// The error for an error response of the page (RFC 6749 section 4.1.2.1).
  static func refusal(_ error: String, _ description: String?) -> CommandError {
    guard error == "access_denied" else {
      return CommandError(
        .auth, "The consent page returned \(error)" + (description.map { ": \($0)" } ?? "."),
        remedy: "Check the OAuth client's consent screen and scopes.")
    }
    return CommandError(
      .permission, "The user did not consent.",
      remedy: """
        Start again and allow all requested access. If the page blocks all users, the \
        administrator must trust the app (Admin console, Security, API controls).
        """)
  }
}
