import Basics
import Crypto
import Engine
import Glibc
import IntegrationKit

/// `sallyport auth`
enum AuthCommand {
  static var description: Subcommand {
    Subcommand(
      name: "auth", usage: "INTEGRATION [--connection NAME] [OPTIONS]",
      summary: "obtain user consent on the vendor's page and save the refresh token",
      details: """
        Prints the address of the consent page and waits for the browser to be redirected to this
        machine. If the browser runs on another machine, the last page does not load: paste its
        address, or the code in it, into the terminal. The refresh token is saved in the
        connections file, whose mode is set so that only its owner can read it.

        An OAuth client of type Desktop needs no further setup. A client of type Web application
        must have the redirect URI registered: register http://127.0.0.1:PORT/ and use --port
        PORT, or use --paste.

        Exit status: 0 signed in; 1 failed; 2 invalid command line or configuration.
        """,
      examples: [
        "sallyport auth gmail --connections connections.json",
        "sallyport auth gmail --connections connections.json --connection mail --user ada@acme.example",
        "sallyport auth gmail --connections connections.json --paste",
      ],
      options: options, positionals: [.integration], run: run)
  }

  private static let options =
    [
      CommonOptions.connections,
      Option(
        "--connection", "NAME", "the connection (default: the only one that requires consent)"),
      Option("--user", "EMAIL", "the user to ask (default: the user signed in to the browser)"),
      Option("--port", "N", "the port of the redirect URI (default: a free port)"),
      Option(
        "--paste", nil,
        "use callback_url of the connection as redirect URI; paste the address of the last page"),
      Option("--code", "CODE", "an authorization code for callback_url; - reads it from stdin"),
      Option("--timeout", "S", "seconds to wait for consent (default 300)"),
    ] + LogOptions.list

  private static let defaultTimeoutSeconds = 300
  private static let maximumTimeoutSeconds = 3_600
  /// The time for the last page to reach the browser.
  private static let farewellMilliseconds = 2_000

  static func run(_ words: [String]) throws(UsageError) -> Int32 {
    let arguments = try ParsedArguments(words, options: options)
    guard let id = arguments.positionals.first else {
      throw UsageError("missing integration", remedy: "Example: sallyport auth gmail")
    }
    if let extra = arguments.positionals.dropFirst().first {
      throw UsageError("unexpected argument \"\(extra)\"")
    }
    try rejectConflictingOptions(arguments)
    let seconds = try arguments.integer("--timeout", minimum: 1, maximum: maximumTimeoutSeconds)
    let port = try arguments.integer("--port", minimum: 1, maximum: 65_535) ?? 0
    let integration = try CatalogueWords.integration(id)
    let engine = try CommonOptions.engine(arguments)
    let exchange: ConsentExchange
    do throws(ConfigurationError) {
      exchange = try ConsentExchange(engine, integration, connection: arguments["--connection"])
    } catch {
      throw UsageError(error)
    }
    Signals.watch {
      EndOfProcess.run()
      _exit(130)
    }
    let wait = ConsentWait(
      exchange: exchange, user: arguments["--user"],
      timeoutSeconds: seconds ?? defaultTimeoutSeconds)
    let result: Result<Consent, CommandError>
    if let code = arguments["--code"] {
      result = try redeem(code, exchange)
    } else if arguments.has("--paste") {
      result = try wait.onPaste(redirect: try callback(of: exchange, for: "--paste"))
    } else {
      result = try wait.onLoopback(port: UInt16(port), farewellMilliseconds: farewellMilliseconds)
    }
    engine.log.flush()
    return show(result, exchange)
  }

  private static func rejectConflictingOptions(_ arguments: ParsedArguments) throws(UsageError) {
    let conflicts = [
      "--code": ["--paste", "--port", "--user", "--timeout"], "--paste": ["--port"],
    ]
    for (name, others) in conflicts where arguments.has(name) {
      if let other = others.first(where: arguments.has) {
        throw UsageError("\(other) cannot be used with \(name)")
      }
    }
  }

  private static func callback(
    of exchange: ConsentExchange, for option: String
  ) throws(UsageError) -> String {
    guard let callback = exchange.callbackURL else {
      throw UsageError(
        "\(option) requires callback_url in the connection \(exchange.connectionName)",
        remedy: "Set it to a registered redirect URI of the OAuth client.")
    }
    return callback
  }

  private static func redeem(
    _ given: String, _ exchange: ConsentExchange
  ) throws(UsageError) -> Result<Consent, CommandError> {
    let redirect = try callback(of: exchange, for: "--code")
    let text = given == "-" ? readLine() ?? "" : given
    switch ConsentAnswer(pasted: text, state: nil) {
    case .code(let code):
      return exchange.redeem(ConsentCode(code, redirect: redirect, verifier: nil))
    case .refusal(let error, let description):
      return .failure(ConsentWait.refusal(error, description))
    case .wrongState, nil: throw UsageError("--code requires a code or an address that contains it")
    }
  }

  // MARK: Output

  private static func show(
    _ result: Result<Consent, CommandError>, _ exchange: ConsentExchange
  ) -> Int32 {
    switch result {
    case .success(let consent):
      let who: TerminalText = consent.user.map { "Signed in as \($0)" } ?? "Signed in"
      Console.print(
        "\(who). The refresh token is saved in the connection \(exchange.connectionName).")
      for scope in consent.missingScopes {
        Console.error("Scope not granted: \(scope). Commands that require it will fail.")
      }
      return 0
    case .failure(let error):
      Console.error(Style.failure("Sign-in failed."))
      Console.error("  \(error.statusCode)  \(error.message)")
      if let remedy = error.remedy { Console.error("  \(remedy)") }
      return 1
    }
  }
}
