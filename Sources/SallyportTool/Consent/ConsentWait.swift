import Basics
import Crypto
import Engine
import IntegrationKit

/// Shows a user where to consent, and waits for what comes of it.
struct ConsentWait {
  let exchange: ConsentExchange
  let user: String?
  let timeoutSeconds: Int

  /// Characters of a line that is pasted; addresses with codes have some hundred.
  private static let maximumPasteCharacters = 16_384

  /// The browser comes back to this machine, or its user pastes where it ended.
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
        A browser on another machine ends on a page that cannot be loaded: paste its address here.
        """)
    readPastes(into: inbox, state, isOnlyWay: false)
    let result = outcome(of: inbox, listener.redirect, proof)
    let isGood = if case .success = result { true } else { false }
    inbox.settle(isGood: isGood, until: Deadline(inMilliseconds: farewellMilliseconds))
    return result
  }

  /// The browser ends on a page of the operator's, whose address is pasted.
  func onPaste(redirect: String) throws(UsageError) -> Result<Consent, CommandError> {
    let inbox = ConsentInbox()
    let state = RandomToken.make()
    let proof = try makeProof()
    show(redirect: redirect, state, proof, hint: "Paste the address of the page that follows here.")
    readPastes(into: inbox, state, isOnlyWay: true)
    return outcome(of: inbox, redirect, proof)
  }

  private func makeProof() throws(UsageError) -> PKCE {
    do throws(CryptoError) {
      return try PKCE()
    } catch {
      throw UsageError(
        "a consent needs libcrypto: \(error.reason)",
        remedy: "Install OpenSSL (Debian: libssl3) on this machine.")
    }
  }

  /// The address alone on stdout, for programs that open it.
  private func show(redirect: String, _ state: String, _ proof: PKCE, hint: String) {
    let request = ConsentRequest(
      redirect: redirect, state: state, challenge: proof.challenge, user: user)
    Console.error(
      "Open this page within \(timeoutSeconds) seconds and consent, for the connection "
        + "\(exchange.connectionName):")
    Console.print(exchange.page(for: request))
    Console.error(hint)
  }

  /// - Parameter isOnlyWay: whether nothing can come any more when the input ends.
  private func readPastes(into inbox: ConsentInbox, _ state: String, isOnlyWay: Bool) {
    NamedThread.start("paste") {
      while let line = readLine() {
        if line.allSatisfy(\.isWhitespace) { continue }
        guard line.count <= Self.maximumPasteCharacters,
          let answer = ConsentAnswer(pasted: line, state: state)
        else {
          Console.error("That is neither the address of the page nor a code.")
          continue
        }
        if inbox.offer(answer, isTold: false) { return }
      }
      if isOnlyWay { inbox.end() }
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
          .auth, "The answer belongs to another request: its state is not the one that was sent.",
          remedy: "Start again, and open only the page that is printed then."))
    case nil where !deadline.hasPassed:
      return .failure(
        CommandError(
          .auth, "The input ended before a code came.",
          remedy: "Start again in a terminal, or send the address to its stdin."))
    case nil:
      return .failure(
        CommandError(
          .timeout, "Nobody consented within \(timeoutSeconds) seconds.",
          remedy: """
            Start again, with a longer --timeout. Where the page showed redirect_uri_mismatch, the \
            OAuth client does not know the address that the browser is to come back to: \
            sallyport help auth.
            """))
    }
  }

  /// What the page says to who was not let in (RFC 6749 section 4.1.2.1).
  static func refusal(_ error: String, _ description: String?) -> CommandError {
    guard error == "access_denied" else {
      return CommandError(
        .auth, "The page answered \(error)" + (description.map { ": \($0)" } ?? "."),
        remedy: "Check the OAuth client's consent screen and scopes.")
    }
    return CommandError(
      .permission, "The user did not consent.",
      remedy: """
        Start again and allow all that the page asks for; where it let nobody, the administrator \
        must trust the app (Admin console, Security, API controls).
        """)
  }
}
