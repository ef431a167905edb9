import IntegrationKit
import SallyportTool

Sallyport.main(adding: [RegisteredIntegration(AcmeEDR.self)])
