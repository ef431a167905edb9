import Basics
import Crypto
import Glibc
import Engine
import IntegrationKit

/// `sallyport auth`
enum AuthCommand {
  static var description: Subcommand {
    Subcommand(
      name: "auth", usage: "INTEGRATION [--connection NAME] [OPTIONS]",
      about: "lets a user consent on the vendor's page; the connection keeps the refresh token",
      details: """
        Prints the address of the page and waits until the browser comes back to this machine. A
        browser on another machine ends on a page that cannot be loaded: paste its address, or the
        code in it, into the terminal. The refresh token goes into the connections file, which only
        its owner can read then.

        An OAuth client of the type Desktop needs no more. One of the type Web application must know
        where the browser comes back to: register http://127.0.0.1:PORT/ and give --port PORT, or
        use --paste.

        Exit status: 0 signed in; 1 failed; 2 wrong command line or configuration.
        """,
      examples: [
        "sallyport auth gmail --connections connections.json",
        "sallyport auth gmail --connections connections.json --connection mail --user ada@acme.example",
        "sallyport auth gmail --connections connections.json --paste",
      ],
      options: options, run: run)
  }

  private static let options = [
    CommonOptions.connections,
    Option("--connection", "NAME", "the connection (default: the only one that needs a consent)"),
    Option("--user", "EMAIL", "whom the page asks (default: whoever is signed in to the browser)"),
    Option("--port", "N", "the port that the browser comes back to (default: a free one)"),
    Option(
      "--paste", nil, "the browser ends on callback_url of the connection; paste its address"),
    Option("--code", "CODE", "a code that was asked for with callback_url; - reads it from stdin"),
    Option("--timeout", "S", "seconds that the user has (default 300)"),
    CommonOptions.logLevel,
  ]

  private static let defaultTimeoutSeconds = 300
  private static let maximumTimeoutSeconds = 3_600
  /// For the last page to reach the browser.
  private static let farewellMilliseconds = 2_000

  static func run(_ words: [String]) throws(UsageError) -> Int32 {
    let arguments = try ParsedArguments(words, options: options)
    guard let id = arguments.positionals.first else {
      throw UsageError("an integration is needed", remedy: "Such as: sallyport auth gmail")
    }
    if let extra = arguments.positionals.dropFirst().first {
      throw UsageError("unexpected: \(extra)")
    }
    try refuseOptionsThatExclude(arguments)
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

  private static func refuseOptionsThatExclude(_ arguments: ParsedArguments) throws(UsageError) {
    let excluded = [
      "--code": ["--paste", "--port", "--user", "--timeout"], "--paste": ["--port"],
    ]
    for (name, others) in excluded where arguments.has(name) {
      if let other = others.first(where: arguments.has) {
        throw UsageError("\(other) does not go with \(name)")
      }
    }
  }

  private static func callback(
    of exchange: ConsentExchange, for option: String
  ) throws(UsageError) -> String {
    guard let callback = exchange.callbackURL else {
      throw UsageError(
        "\(option) needs callback_url in the connection \(exchange.connectionName)",
        remedy: "It is a redirect URI that the OAuth client is registered with.")
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
    case .wrongState, nil: throw UsageError("--code takes a code, or the address with it")
    }
  }

  // MARK: Showing

  private static func show(
    _ result: Result<Consent, CommandError>, _ exchange: ConsentExchange
  ) -> Int32 {
    switch result {
    case .success(let consent):
      let who = consent.user.map { "Signed in as \($0.forTerminal())" } ?? "Signed in"
      Console.print("\(who); the connection \(exchange.connectionName) keeps the refresh token.")
      for scope in consent.missingScopes {
        Console.error("Not granted: \(scope). Commands that need it will fail.")
      }
      return 0
    case .failure(let error):
      Console.error(Style.failure("The sign-in failed."))
      Console.error("  \(error.statusCode)  \(error.message.forTerminal())")
      if let remedy = error.remedy { Console.error("  \(remedy)") }
      return 1
    }
  }
}
