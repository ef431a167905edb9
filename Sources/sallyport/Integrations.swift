import CODAFootprint
import Plugin

/// The vendors of this executable, one line each.
enum Integrations {
  static let all = [
    RegisteredIntegration(CODAFootprint.self)
  ]
}
